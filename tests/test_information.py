"""gm_utils.information: known answers, properties, other libraries, batches and dtypes, bad input."""

from __future__ import annotations

import doctest
import inspect
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.spatial.distance
import scipy.stats
import sklearn.metrics
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gm_utils import information
from gm_utils.information import (
    conditional_entropy,
    cross_entropy,
    diagonal_gaussian_kl,
    entropy,
    gaussian_entropy,
    gaussian_kl,
    joint_entropy,
    js_divergence,
    kl_divergence,
    mutual_information,
    self_information,
    uniform_entropy,
)

INF = math.inf
LOG2, LOG2_3 = math.log(2), math.log2(3)
UNIT = math.log(2 * math.pi * math.e) / 2  # the entropy of N(0, 1), 1.4189
examples = settings(max_examples=80, deadline=None)
EYE = [[1.0, 0.0], [0.0, 1.0]]


def close(got, expected, tol=1e-12):
    assert torch.is_tensor(got)
    np.testing.assert_allclose(got.double().numpy(), expected, rtol=tol, atol=tol)


def distribution(*shape):
    """float64 arrays whose entries are >= 0 (zeros are frequent) and sum to 1."""
    entry = st.just(0.0) | st.floats(1e-3, 1.0)
    weights = hnp.arrays(np.float64, shape, elements=entry).filter(lambda w: w.sum() > 0)
    return weights.map(lambda w: w / w.sum())


sizes = st.integers(1, 6)
one = sizes.flatmap(distribution)
two = sizes.flatmap(lambda k: st.tuples(distribution(k), distribution(k)))
joint = st.tuples(sizes, sizes).flatmap(lambda s: distribution(*s))
bases = st.floats(1.5, 20.0) | st.floats(0.1, 0.9)


@st.composite
def gaussians(draw, count=1):
    """`count` pairs (mean, covariance) of one dimension, well conditioned."""
    d, seed = draw(st.integers(1, 4)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(count, d, d))
    return [(rng.normal(size=d), a @ a.T + 0.1 * np.eye(d)) for a in roots]


# Known answers


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (lambda: self_information([1.0, 0.5, 0.0]), [0.0, LOG2, INF]),
        (lambda: self_information(1 / 8, base=2), 3.0),
        (lambda: self_information([0.9, 0.9]), [-math.log(0.9)] * 2),  # need not sum to 1
        (lambda: entropy([1.0, 0.0]), 0.0),
        (lambda: entropy([0.5, 0.5]), LOG2),
        (lambda: entropy([0.25] * 4, base=2), 2.0),
        (lambda: entropy([0.5, 0.25, 0.25], base=2), 1.5),
        (lambda: entropy([[1.0, 0.0], [0.5, 0.5]]), [0.0, LOG2]),
        (lambda: cross_entropy([1.0, 0.0], [0.25, 0.75]), math.log(4)),
        (lambda: cross_entropy([1.0, 0.0], [0.0, 1.0]), INF),
        (lambda: cross_entropy([1.0, 0.0], [1.0, 0.0]), 0.0),
        (lambda: kl_divergence([0.5, 0.5, 0.0], [0.5, 0.5, 0.0]), 0.0),  # a zero in common
        (lambda: kl_divergence([0.5, 0.25, 0.25], [0.5, 0.5, 0.0]), INF),
        (lambda: kl_divergence([1.0, 0.0, 0.0], [0.5, 0.25, 0.25]), LOG2),
        (lambda: kl_divergence([0.5, 0.5], [0.9, 0.1]), 0.5 * math.log(0.25 / 0.09)),
        (lambda: kl_divergence([0.0, 1.0], [5e-324, 1.0]), 0.0),
        (lambda: kl_divergence([0.5, 0.5], [5e-324, 1.0]), -LOG2 - 0.5 * math.log(5e-324)),  # p / q overflows
        (lambda: js_divergence([1.0, 0.0], [0.0, 1.0]), LOG2),  # not its root, 0.8326
        (lambda: js_divergence([1.0, 0.0], [0.0, 1.0], base=2), 1.0),
        (lambda: js_divergence([0.0, 1.0], [5e-324, 1.0]), 0.0),  # the mean underflows to 0
        (lambda: js_divergence([1.0, 0.0], [0.5, 0.5], base=2), 1.5 - 0.75 * LOG2_3),
        (lambda: joint_entropy([[0.5, 0.0], [0.0, 0.5]]), LOG2),
        (lambda: conditional_entropy([[0.5, 0.0], [0.0, 0.5]]), 0.0),
        (lambda: conditional_entropy([[0.25, 0.25], [0.5, 0.0]], given="x", base=2), 0.5),
        (lambda: conditional_entropy([[0.25, 0.25], [0.5, 0.0]], given="y", base=2), 0.75 * LOG2_3 - 0.5),
        (lambda: conditional_entropy([[0.2, 0.3, 0.5]], given="x"), entropy([0.2, 0.3, 0.5])),
        (lambda: mutual_information([[0.5, 0.0], [0.0, 0.5]]), LOG2),
        (lambda: mutual_information([[0.25, 0.25], [0.25, 0.25]]), 0.0),
        (lambda: uniform_entropy(0.0, 1.0), 0.0),
        (lambda: uniform_entropy(-1, [1, 3], base=2), [1.0, 2.0]),
        (lambda: uniform_entropy(0.0, 0.5), -LOG2),  # negative
        (lambda: gaussian_entropy([[0.01]]), UNIT - math.log(10)),
        (lambda: gaussian_entropy([[2.0, 1.0], [1.0, 2.0]]), 2 * UNIT + math.log(3) / 2),
        (lambda: gaussian_entropy(EYE, base=2), 2 * UNIT / LOG2),
        (lambda: gaussian_kl([0.0, 0.0], EYE, [0.0, 0.0], EYE), 0.0),
        (lambda: gaussian_kl([3.0, 4.0], EYE, [0.0, 0.0], EYE), 12.5),
        (lambda: gaussian_kl([0.0], [[4.0]], [0.0], [[1.0]]), 1.5 - LOG2),
        (lambda: gaussian_kl([0.0], [[1.0]], [0.0], [[4.0]]), LOG2 - 3 / 8),
        (lambda: diagonal_gaussian_kl([0.0, 0.0], [0.0, 0.0]), 0.0),
        (lambda: diagonal_gaussian_kl([3.0, 4.0], [0.0, 0.0]), 12.5),
        (lambda: diagonal_gaussian_kl([[0.0], [1.0]], [[math.log(4.0)], [0.0]]), [1.5 - LOG2, 0.5]),
    ],
)
def test_known_answer(got, expected):
    close(got(), expected)


def test_values_at_the_bounds_are_exact_and_positive_zero():
    for value in (entropy([1.0, 0.0]), self_information(1.0), kl_divergence([0.3, 0.7], [0.3, 0.7]),
                  js_divergence([0.1, 0.9], [0.1, 0.9]), conditional_entropy([[0.5, 0.5]], given="y")):
        assert value.item() == 0
        assert not torch.signbit(value)


def test_js_stays_within_log_2_where_the_sums_are_off_within_the_tolerance():
    close(js_divergence([1 + 9e-7, 0.0], [0.0, 1 + 9e-7]), LOG2)
    close(js_divergence([1 + 9e-7, 0.0], [0.0, 1 + 9e-7], base=2), 1.0)


def test_small_diagonal_kl_keeps_its_digits():
    """½ (e^v - 1 - v) = v² / 4 + v³ / 12 + ...: e^v - 1 leaves few digits of it at v = 1e-6."""
    close(diagonal_gaussian_kl([0.0], [1e-6]) * 4e12, 1 + 1e-6 / 3, 1e-8)


# Properties


@examples
@given(one)
def test_entropy_lies_between_zero_and_log_k(p):
    assert 0 <= entropy(p) <= math.log(len(p)) + 1e-12


@examples
@given(two)
def test_cross_entropy_is_entropy_plus_kl(pq):
    p, q = pq
    close(cross_entropy(p, q), entropy(p) + kl_divergence(p, q))


@examples
@given(two)
def test_divergences_are_non_negative_and_zero_only_at_equality(pq):
    p, q = pq
    squared_difference = float(((p - q) ** 2).sum())
    for divergence in (kl_divergence(p, q), js_divergence(p, q)):
        assert divergence >= squared_difference / 8 - 1e-12  # Pinsker, so 0 for p = q only
    close(kl_divergence(p, p), 0.0)
    close(js_divergence(p, p), 0.0)


@examples
@given(two)
def test_js_is_symmetric_bounded_and_the_entropy_of_the_mean_less_the_mean_entropy(pq):
    p, q = pq
    js = js_divergence(p, q)
    assert 0 <= js <= LOG2
    close(js, js_divergence(q, p))
    close(js, entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)


@examples
@given(two)
def test_pinsker(pq):
    p, q = pq
    assert abs(p - q).sum() / 2 <= math.sqrt(kl_divergence(p, q) / 2) + 1e-7


@examples
@given(two, st.data())
def test_data_processing(pq, data):
    """A channel makes no two distributions easier to tell apart."""
    p, q = pq
    channel = np.stack([data.draw(distribution(3)) for _ in p])  # (K, 3), rows sum to 1
    for divergence in (kl_divergence, js_divergence):
        assert divergence(p @ channel, q @ channel) <= divergence(p, q) + 1e-9


@examples
@given(joint)
def test_chain_rule_and_the_four_forms_of_mutual_information(pxy):
    px, py = pxy.sum(1), pxy.sum(0)
    y_given_x, x_given_y = conditional_entropy(pxy, given="x"), conditional_entropy(pxy, given="y")
    close(joint_entropy(pxy), entropy(px) + y_given_x)
    close(joint_entropy(pxy), entropy(py) + x_given_y)
    information_ = mutual_information(pxy)
    close(information_, entropy(px) + entropy(py) - joint_entropy(pxy))
    close(information_, entropy(py) - y_given_x)
    close(information_, kl_divergence(pxy.ravel(), np.outer(px, py).ravel()))
    close(information_, mutual_information(pxy.T))
    assert 0 <= information_ <= min(entropy(px), entropy(py)) + 1e-12


@examples
@given(joint)
def test_conditional_entropy_is_the_mean_entropy_of_the_rows(pxy):
    px = pxy.sum(1)
    rows = [entropy(row / mass) * mass for row, mass in zip(pxy, px, strict=True) if mass > 0]
    close(conditional_entropy(pxy, given="x"), sum(rows))
    close(conditional_entropy(pxy.T, given="y"), sum(rows))


@examples
@given(st.tuples(sizes, sizes).flatmap(lambda s: st.tuples(distribution(*s), distribution(*s))))
def test_chain_rule_of_kl(joints):
    """D(pxy‖qxy) = D(px‖qx) + Σ px D(p(y|x)‖q(y|x))"""
    pxy, qxy = joints
    px, qx = pxy.sum(1), qxy.sum(1)
    assume(not (qx[px > 0] == 0).any())
    rows = [px[i] * kl_divergence(pxy[i] / px[i], qxy[i] / qx[i]) for i in range(len(px)) if px[i] > 0]
    close(kl_divergence(pxy.ravel(), qxy.ravel()), kl_divergence(px, qx) + sum(rows))


@examples
@given(two, st.randoms(use_true_random=False))
def test_the_order_of_the_outcomes_does_not_matter(pq, random):
    p, q = pq
    order = list(range(len(p)))
    random.shuffle(order)
    close(entropy(p[order]), entropy(p))
    close(kl_divergence(p[order], q[order]), kl_divergence(p, q))
    close(js_divergence(p[order], q[order]), js_divergence(p, q))


@examples
@given(joint, two, bases)
def test_change_of_base(pxy, pq, base):
    p, q = pq
    for f, arguments in (
        (entropy, (p,)), (self_information, (p,)), (cross_entropy, (p, q)), (kl_divergence, (p, q)),
        (js_divergence, (p, q)), (joint_entropy, (pxy,)), (conditional_entropy, (pxy,)),
        (mutual_information, (pxy,)), (uniform_entropy, (1.0, 4.0)), (gaussian_entropy, (EYE,)),
    ):
        close(f(*arguments, base=base) * math.log(base), f(*arguments))


@examples
@given(gaussians(count=2))
def test_gaussian_kl_is_invariant_to_affine_maps_and_adds_over_blocks(pair):
    (m0, s0), (m1, s1) = pair
    d = len(m0)
    a = np.eye(d) + np.triu(np.ones((d, d)))
    kl = gaussian_kl(m0, s0, m1, s1)
    assert kl > 0
    close(gaussian_kl(m0, s0, m0, s0), 0.0)
    close(gaussian_kl(a @ m0 + 1, a @ s0 @ a.T, a @ m1 + 1, a @ s1 @ a.T), kl, 1e-8)
    zero = np.zeros((d, d))
    close(gaussian_kl(np.r_[m0, m1], np.block([[s0, zero], [zero, s1]]), np.r_[m1, m0],
                      np.block([[s1, zero], [zero, s0]])), kl + gaussian_kl(m1, s1, m0, s0), 1e-8)


@examples
@given(gaussians())
def test_gaussian_entropy_of_a_linear_map_adds_log_det(pair):
    [(_, cov)] = pair
    close(gaussian_entropy(9 * cov), gaussian_entropy(cov) + len(cov) * math.log(3), 1e-9)


@examples
@given(hnp.arrays(np.float64, (2, 3), elements=st.floats(-3, 3)))
def test_diagonal_kl_is_the_full_one(mean_and_log_var):
    mean, log_var = mean_and_log_var
    close(diagonal_gaussian_kl(mean, log_var),
          gaussian_kl(mean, np.diag(np.exp(log_var)), np.zeros(3), np.eye(3)), 1e-9)


# Other libraries, quadrature, autograd


@examples
@given(two)
def test_against_scipy(pq):
    p, q = pq
    close(entropy(p), scipy.stats.entropy(p))
    close(entropy(p, base=2), scipy.stats.entropy(p, base=2))
    close(kl_divergence(p, q), scipy.special.rel_entr(p, q).sum())
    with np.errstate(invalid="ignore"):
        root = scipy.spatial.distance.jensenshannon(p, q)
    if not np.isnan(root):  # as SciPy answers for nearly equal p and q
        close(js_divergence(p, q), root**2, 1e-9)


def test_nearly_equal_distributions_where_scipy_answers_nan():
    x = math.nextafter(0.5, 0)
    assert 0 <= js_divergence([x, 1 - x], [1 - x, x]) < 1e-15
    assert 0 <= kl_divergence([x, 1 - x], [1 - x, x]) < 1e-15


def test_mutual_information_against_sklearn():
    counts = np.random.default_rng(0).integers(0, 50, (4, 5))
    expected = sklearn.metrics.mutual_info_score(None, None, contingency=counts)
    close(mutual_information(counts / counts.sum()), expected)


@examples
@given(gaussians(count=2))
def test_gaussians_against_torch_distributions(pair):
    p, q = (torch.distributions.MultivariateNormal(torch.tensor(m), torch.tensor(s)) for m, s in pair)
    (m0, s0), (m1, s1) = pair
    close(gaussian_kl(m0, s0, m1, s1), torch.distributions.kl_divergence(p, q), 1e-8)
    close(gaussian_entropy(s0), p.entropy(), 1e-9)


@pytest.mark.parametrize(("m0", "s0", "m1", "s1"), [(0.0, 1.0, 1.0, 2.0), (-2.0, 0.3, 0.5, 1.1)])
def test_gaussians_against_quadrature(m0, s0, m1, s1):
    p, q = scipy.stats.norm(m0, s0), scipy.stats.norm(m1, s1)
    bounds = (m0 - 12 * s0, m0 + 12 * s0)
    kl, _ = scipy.integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), *bounds)
    h, _ = scipy.integrate.quad(lambda x: -p.pdf(x) * p.logpdf(x), *bounds)
    close(gaussian_kl([m0], [[s0**2]], [m1], [[s1**2]]), kl, 1e-8)
    close(gaussian_entropy([[s0**2]]), h, 1e-8)
    standard = scipy.stats.norm()
    kl, _ = scipy.integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - standard.logpdf(x)), *bounds)
    close(diagonal_gaussian_kl([m0], [2 * math.log(s0)]), kl, 1e-8)


def test_gradients_are_the_derivatives_and_p_log_p_adds_nothing_where_p_is_zero():
    p = torch.tensor([0.2, 0.8, 0.0], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.5, 0.4, 0.1], dtype=torch.float64, requires_grad=True)
    a, b = p.detach()[:2], q.detach()[:2]

    def gradients(value):
        found = torch.autograd.grad(value, (p, q), allow_unused=True)
        return [None if g is None else g.tolist() for g in found]

    assert gradients(entropy(p))[0] == pytest.approx([*(-a.log() - 1).tolist(), 0.0])
    wrt_p, wrt_q = gradients(kl_divergence(p, q))
    assert wrt_p == pytest.approx([*((a / b).log() + 1).tolist(), 0.0])
    assert wrt_q == pytest.approx([*(-a / b).tolist(), 0.0])
    wrt_p, wrt_q = gradients(cross_entropy(p, q))
    assert wrt_p == pytest.approx([*(-b.log()).tolist(), 0.0])
    wrt_p, wrt_q = gradients(js_divergence(p, q))
    assert wrt_p == pytest.approx([*((2 * a / (a + b)).log() / 2).tolist(), -0.5])  # -½ q / (p + q)
    assert wrt_q == pytest.approx([*((2 * b / (a + b)).log() / 2).tolist(), LOG2 / 2])


@pytest.mark.parametrize("f", [joint_entropy, conditional_entropy, mutual_information])
def test_gradients_are_finite_at_zeros_of_a_joint_distribution(f):
    pxy = torch.tensor([[0.5, 0.0], [0.0, 0.5], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    f(pxy).backward()
    assert pxy.grad.isfinite().all()


@pytest.mark.parametrize("f", [entropy, kl_divergence, js_divergence, cross_entropy])
def test_gradients_are_finite_at_a_shared_zero(f):
    arguments = [torch.tensor([1.0, 0.0], requires_grad=True) for _ in inspect.signature(f).parameters][:-1]
    f(*arguments).backward()
    assert all(a.grad.isfinite().all() for a in arguments)


def test_a_value_that_rounding_made_negative_keeps_its_gradient():
    p = torch.tensor([0.5 + 4e-7, 0.5], dtype=torch.float64, requires_grad=True)
    q = torch.tensor([0.5 + 8e-7, 0.5], dtype=torch.float64)
    value = kl_divergence(p, q)  # Σ p log(p / q) = -4e-7, as the sums are off by that
    value.backward()
    assert value == 0
    close(p.grad, (p.detach() / q).log() + 1)


def test_gaussian_gradients_by_finite_differences():
    rng = torch.Generator().manual_seed(0)
    a, b = (torch.randn(3, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    means = [torch.randn(3, generator=rng, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    a, b = ((m @ m.T + torch.eye(3)).requires_grad_() for m in (a, b))

    def symmetric_kl(m0, s0, m1, s1):  # moves both triangles, as the argument must stay symmetric
        return gaussian_kl(m0, (s0 + s0.T) / 2, m1, (s1 + s1.T) / 2)

    assert torch.autograd.gradcheck(symmetric_kl, (means[0], a, means[1], b))
    assert torch.autograd.gradcheck(diagonal_gaussian_kl, means)


# Batches, dtypes, devices


def test_batches_broadcast():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(4), (5, 1)), rng.dirichlet(np.ones(4), (3,))
    for f in (kl_divergence, js_divergence, cross_entropy):
        got = f(p, q)
        assert got.shape == (5, 3)
        close(got, [[f(p[i, 0], q[j]) for j in range(3)] for i in range(5)])
        assert f(p, q[0]).shape == (5, 1)
    pxy = rng.dirichlet(np.ones(6), (2, 5)).reshape(2, 5, 2, 3)
    for f in (joint_entropy, conditional_entropy, mutual_information):
        assert f(pxy).shape == (2, 5)
        close(f(pxy)[1, 4], f(pxy[1, 4]))
    assert entropy(np.ones((0, 1))).shape == (0,)


def test_gaussian_batches_broadcast():
    rng = np.random.default_rng(0)
    means, roots = rng.normal(size=(4, 1, 3)), rng.normal(size=(5, 3, 3))
    covs = roots @ roots.swapaxes(1, 2) + np.eye(3)
    got = gaussian_kl(means, covs, np.zeros(3), np.eye(3))
    assert got.shape == (4, 5)
    close(got[2, 3], gaussian_kl(means[2, 0], covs[3], np.zeros(3), np.eye(3)))
    close(gaussian_kl(np.zeros(3), np.eye(3), means, covs)[2, 3],
          gaussian_kl(np.zeros(3), np.eye(3), means[2, 0], covs[3]))
    close(gaussian_entropy(covs)[4], gaussian_entropy(covs[4]))
    assert diagonal_gaussian_kl(torch.zeros(6, 2), torch.zeros(2)).shape == (6,)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors_keep_their_dtype(dtype):
    generator = torch.Generator().manual_seed(0)
    p, q = torch.randn(2, 7, 50, generator=generator).softmax(-1).to(dtype)
    pxy = torch.randn(30, generator=generator).softmax(-1).reshape(5, 6).to(dtype)
    cov, mean = torch.tensor(EYE, dtype=dtype) * 2, torch.ones(2, dtype=dtype)
    for f, arguments in (
        (self_information, (p,)), (entropy, (p,)), (cross_entropy, (p, q)), (kl_divergence, (p, q)),
        (js_divergence, (p, q)), (joint_entropy, (pxy,)), (conditional_entropy, (pxy,)),
        (mutual_information, (pxy,)), (uniform_entropy, (mean, 2 * mean)), (gaussian_entropy, (cov,)),
        (gaussian_kl, (mean, cov, 2 * mean, cov)), (diagonal_gaussian_kl, (mean, mean)),
    ):
        assert f(*arguments).dtype == dtype, f.__name__


def test_numbers_sequences_arrays_and_integers_become_float64():
    for p in ([0.5, 0.5], (0.5, 0.5), np.array([0.5, 0.5], np.float32), np.array([0.9, 0.5, 0.5])[:0:-1]):
        assert entropy(p).dtype == torch.float64
        close(entropy(p), LOG2)
    assert entropy(torch.tensor([0, 1])).dtype == torch.float64
    assert self_information(1).dtype == torch.float64
    assert kl_divergence(torch.tensor([0.5, 0.5]), [0.5, 0.5]).dtype == torch.float64
    assert kl_divergence(torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.5])).dtype == torch.float32


def test_half_precision_is_as_good_as_its_answer():
    p = torch.tensor([2.0**-k for k in range(1, 11)] + [2.0**-10], dtype=torch.float16)  # sums to 1 exactly
    q = p.flip(0)
    for f in (entropy, kl_divergence, js_divergence, cross_entropy):
        arguments = (p,) if f is entropy else (p, q)
        assert f(*arguments) == f(*(a.double() for a in arguments)).half()


def test_the_tolerance_of_the_sum_follows_the_dtype():
    coarse = torch.tensor([0.501, 0.501])
    entropy(coarse.half())
    entropy(coarse.bfloat16())
    with pytest.raises(ValueError, match="^p must sum to 1"):
        entropy(coarse)
    entropy([0.5, 0.5 + 9e-7])
    with pytest.raises(ValueError, match="^p must sum to 1"):
        entropy([0.5, 0.5 + 2e-6])
    # 1 + 1.0057e-6 in float64, where the sum belongs; 1 + 9.54e-7 when rounded to float32
    single = torch.tensor([0.5, 0.5 + 2**-20, 5.2e-8])
    with pytest.raises(ValueError, match="^p must sum to 1"):
        entropy(single)
    entropy(torch.randn(100_000, generator=torch.Generator().manual_seed(0)).softmax(-1))


def test_diagonal_kl_looks_at_no_value():
    mean = torch.empty(5, 3, device="meta")
    assert diagonal_gaussian_kl(mean, mean).shape == (5,)
    assert diagonal_gaussian_kl(mean, mean).device.type == "meta"
    assert diagonal_gaussian_kl([math.nan], [0.0]).isnan()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda():
    p = torch.tensor([0.25, 0.75], device="cuda")
    for value in (kl_divergence(p, [0.5, 0.5]), js_divergence([0.5, 0.5], p), entropy(p),
                  mutual_information(p[None]), gaussian_kl([0.0, 0.0], torch.eye(2, device="cuda"), p, EYE)):
        assert value.device.type == "cuda"
        assert value.isfinite()


# Bad input: an error that names the argument

ONE = {"entropy": entropy}
TWO = {"cross_entropy": cross_entropy, "kl_divergence": kl_divergence, "js_divergence": js_divergence}
JOINT = {"joint_entropy": joint_entropy, "conditional_entropy": conditional_entropy,
         "mutual_information": mutual_information}


@st.composite
def spoilt(draw, *shape):
    """No distribution: an entry negative, NaN or infinite, or a sum that is off."""
    p = draw(distribution(*shape)).ravel()
    i = draw(st.integers(0, p.size - 1))
    kind = draw(st.sampled_from(["negative", "nan", "inf", "-inf", "sum"]))
    if kind == "negative":
        p[i] -= p[i] + draw(st.floats(1e-12, 1.0))
        p[i - 1] += 1 - p.sum()  # the sum stays 1 where there is another entry
    elif kind == "sum":
        p = p * draw(st.floats(0.0, 0.999) | st.floats(1.001, 50.0))
    else:
        p[i] = float(kind)
    return p.reshape(shape)


@pytest.mark.parametrize("f", [*ONE.values(), *TWO.values()])
@examples
@given(st.data())
def test_what_is_no_distribution_is_refused(f, data):
    good, bad = data.draw(distribution(4)), data.draw(spoilt(4))
    if f in ONE.values():
        with pytest.raises(ValueError, match="^p must"):
            f(bad)
        return
    with pytest.raises(ValueError, match="^p must"):
        f(bad, good)
    with pytest.raises(ValueError, match="^q must"):
        f(good, bad)
    with pytest.raises(ValueError, match="^q must"):
        f(torch.from_numpy(good), torch.from_numpy(np.stack([good, bad])))


@pytest.mark.parametrize("f", JOINT.values())
@examples
@given(spoilt(2, 3))
def test_what_is_no_joint_distribution_is_refused(f, bad):
    with pytest.raises(ValueError, match="^pxy must"):
        f(bad)


@examples
@given(st.floats(max_value=0, exclude_max=True) | st.floats(min_value=1.00001) | st.just(math.nan))
def test_probabilities_outside_the_unit_interval_are_refused(p):
    with pytest.raises(ValueError, match="^p must lie in"):
        self_information([0.5, p])


@examples
@given(st.floats(max_value=0) | st.just(1.0) | st.just(math.nan) | st.just(INF) | st.just(1) | st.just(True))
def test_bad_bases_are_refused(base):
    p, pxy = [1.0], [[0.5, 0.5]]
    for f, arguments in (
        (self_information, (p,)), (entropy, (p,)), (cross_entropy, (p, p)), (kl_divergence, (p, p)),
        (js_divergence, (p, p)), (joint_entropy, (pxy,)), (conditional_entropy, (pxy,)),
        (mutual_information, (pxy,)), (uniform_entropy, (0, 1)), (gaussian_entropy, (EYE,)),
    ):
        with pytest.raises(ValueError, match="^base must"):
            f(*arguments, base=base)


SINGULAR = [[1.0, 1.0], [1.0, 1.0]]
INDEFINITE = [[1.0, 2.0], [2.0, 1.0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: entropy(1.0), ValueError, "^p must have at least 1"),
        (lambda: entropy([]), ValueError, "^p must sum to 1"),
        (lambda: entropy([0.5, INF]), ValueError, "^p must be non-negative and finite"),
        (lambda: entropy("half"), TypeError, "^p must be a number"),
        (lambda: entropy([[0.5, 0.5], [1.0]]), TypeError, "^p must be a number"),
        (lambda: entropy([0.5, 0.5j]), TypeError, "^p must be"),
        (lambda: entropy(torch.tensor([1 + 0j])), TypeError, "^p must be real"),
        (lambda: entropy([1.0], base="2"), TypeError, "^base must be a number"),
        (lambda: kl_divergence([1.0], [0.5, 0.5]), ValueError, "^p, q must"),  # (1,) does not stretch
        (lambda: kl_divergence([0.5, 0.5], [1.0]), ValueError, "^p, q must"),
        (lambda: kl_divergence([[1.0]] * 2, [[1.0]] * 3), ValueError, "^p, q must .* broadcast"),
        (lambda: mutual_information([0.5, 0.5]), ValueError, "^pxy must have at least 2"),
        (lambda: conditional_entropy([[1.0]], given="z"), ValueError, "^given must"),
        (lambda: uniform_entropy(1.0, 1.0), ValueError, "^low must be less than high"),
        (lambda: uniform_entropy([0.0, 2.0], 1.0), ValueError, "^low must be less than high"),
        (lambda: uniform_entropy(0.0, INF), ValueError, "^low .* finite"),
        (lambda: uniform_entropy(math.nan, 1.0), ValueError, "^low must"),
        (lambda: uniform_entropy([0.0] * 2, [1.0] * 3), ValueError, "^low, high must"),
        (lambda: gaussian_entropy(SINGULAR), ValueError, "^cov must be positive definite"),
        (lambda: gaussian_entropy(INDEFINITE), ValueError, "^cov must be positive definite"),
        (lambda: gaussian_entropy([[0.0]]), ValueError, "^cov must be positive definite"),
        (lambda: gaussian_entropy([[1.0, 0.5], [0.0, 1.0]]), ValueError, "^cov must be symmetric"),
        (lambda: gaussian_entropy([[1.0, 0.0]]), ValueError, "^cov must be square"),
        (lambda: gaussian_entropy(1.0), ValueError, "^cov must be square"),
        (lambda: gaussian_entropy([[math.nan]]), ValueError, "^cov must be finite"),
        (lambda: gaussian_entropy([EYE, SINGULAR]), ValueError, "^cov must be positive definite"),
        (lambda: gaussian_kl([0.0, 0.0], SINGULAR, [0.0, 0.0], EYE), ValueError, "^cov_p must be positive"),
        (lambda: gaussian_kl([0.0, 0.0], EYE, [0.0, 0.0], SINGULAR), ValueError, "^cov_q must be positive"),
        (lambda: gaussian_kl([0.0, INF], EYE, [0.0, 0.0], EYE), ValueError, "^mean_p must be finite"),
        (lambda: gaussian_kl([0.0, 0.0], EYE, [0.0, math.nan], EYE), ValueError, "^mean_q must be finite"),
        (lambda: gaussian_kl([0.0], EYE, [0.0, 0.0], EYE), ValueError, "^mean_p, mean_q, .* must"),
        (lambda: gaussian_kl([0.0, 0.0], [[1.0]], [0.0, 0.0], EYE), ValueError, "^mean_p, .*rows of cov_p"),
        (lambda: gaussian_kl(0.0, [[1.0]], 0.0, [[1.0]]), ValueError, "^mean_p, mean_q"),
        (lambda: gaussian_kl([0.0, 0.0], [EYE] * 2, [0.0, 0.0], [EYE] * 3), ValueError, "broadcast"),
        (lambda: diagonal_gaussian_kl([0.0, 0.0], [0.0]), ValueError, "^mean, log_var must"),
        (lambda: diagonal_gaussian_kl(0.0, 0.0), ValueError, "^mean, log_var must"),
        (lambda: diagonal_gaussian_kl(["a"], [0.0]), TypeError, "^mean must be a number"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_singular_covariances_are_refused_though_rounding_lets_some_through_cholesky():
    rng = np.random.default_rng(0)
    for d in (2, 4, 20):
        roots = rng.normal(size=(100, d, d - 1))
        for cov in roots @ roots.swapaxes(1, 2):
            with pytest.raises(ValueError, match="^cov must be positive definite"):
                gaussian_entropy(cov)
    close(gaussian_entropy([[1.0, 1 - 1e-9], [1 - 1e-9, 1.0]]), 2 * UNIT + math.log(2e-9) / 2, 1e-6)


def test_a_badly_scaled_covariance_is_not_taken_for_a_singular_one():
    close(gaussian_entropy([[1e-20, 0.0], [0.0, 1e20]]), 2 * UNIT)


# Docstrings


@pytest.mark.parametrize("module", [information], ids=lambda m: m.__name__)
def test_doctests(module):
    public = [f for name, f in inspect.getmembers(module, inspect.isfunction)
              if f.__module__ == module.__name__ and not name.startswith("_")]
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted >= len(public) >= 12
    for f in public:
        assert ">>>" in f.__doc__, f"{f.__name__} has no example"
        assert "(..." in f.__doc__, f"{f.__name__} states no shape"


def test_complex_numbers_are_refused_as_arrays_too():
    for value in (np.array([0.5 + 0j, 0.5]), torch.tensor([0.5 + 0j, 0.5]), [0.5 + 0j, 0.5]):
        with pytest.raises(TypeError, match="^p must be"):
            entropy(value)
