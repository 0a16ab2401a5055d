"""gm_utils.distances: known answers, properties, other libraries, gradients and dtypes, bad input."""

from __future__ import annotations

import doctest
import inspect
import math

import numpy as np
import ot
import pytest
import scipy.linalg
import scipy.optimize
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gm_utils import distances
from gm_utils.distances import (
    frechet_distance,
    hellinger,
    sliced_wasserstein,
    total_variation,
    wasserstein_1d,
    wasserstein_discrete,
)
from gm_utils.information import kl_divergence

examples = settings(max_examples=80, deadline=None)
EYE = [[1.0, 0.0], [0.0, 1.0]]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def close(got, expected, tol=1e-12):
    assert torch.is_tensor(got)
    np.testing.assert_allclose(got.detach().cpu().double().numpy(), expected, rtol=tol, atol=tol)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def weights(size):
    """Non-negative, not all 0, in no particular scale."""
    entry = st.just(0.0) | st.floats(1e-3, 10.0)
    return hnp.arrays(np.float64, size, elements=entry).filter(lambda w: w.sum() > 0)


def distribution(size):
    return weights(size).map(lambda w: w / w.sum())


def sample(size):
    return hnp.arrays(np.float64, size, elements=st.floats(-100, 100))


sizes = st.integers(1, 8)
two = sizes.flatmap(lambda k: st.tuples(distribution(k), distribution(k)))
three = sizes.flatmap(lambda k: st.tuples(distribution(k), distribution(k), distribution(k)))
samples = sizes.flatmap(sample)
weighted = sizes.flatmap(lambda n: st.tuples(sample(n), weights(n)))


@st.composite
def gaussians(draw, count=2):
    """Pairs (mean, covariance) of one dimension, some singular."""
    d, seed = draw(st.integers(1, 4)), draw(st.integers(0, 2**32 - 1))
    ranks = [draw(st.integers(0, d)) for _ in range(count)]
    rng = np.random.default_rng(seed)
    roots = [rng.normal(size=(d, rank)) for rank in ranks]
    return [(rng.normal(size=d), a @ a.T) for a in roots]


# Known answers


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (lambda: total_variation([1.0, 0.0], [0.0, 1.0]), 1.0),
        (lambda: total_variation([0.5, 0.5], [0.5, 0.5]), 0.0),
        # the largest difference of one outcome is 0.5, that of an event is 1
        (lambda: total_variation([0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]), 1.0),
        (lambda: total_variation([0.2, 0.3, 0.5], [0.5, 0.3, 0.2]), 0.3),
        (lambda: hellinger([1.0, 0.0], [0.0, 1.0]), 1.0),  # not √2
        (lambda: hellinger([0.5, 0.5], [0.5, 0.5]), 0.0),
        (lambda: hellinger([1.0, 0.0], [0.25, 0.75]), math.sqrt(0.5)),  # H² = 1 - Σ √(p q)
        (lambda: wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0]), 5.0),
        (lambda: wasserstein_1d([3.0, 0.0, 1.0], [6.0, 8.0, 5.0]), 5.0),  # the order does not matter
        (lambda: wasserstein_1d([0.0, 1.0, 3.0], [5.0, 6.0, 8.0], [1.0] * 3, [2.0] * 3), 5.0),  # POT says 25
        (lambda: wasserstein_1d([0.0], [1.0, 2.0, 6.0]), 3.0),
        (lambda: wasserstein_1d([0.0, 1.0], [0.0, 0.0, 1.0]), 1 / 6),
        (lambda: wasserstein_1d([0.0, 10.0], [0.0, 10.0], [1.0, 0.0], [0.0, 1.0]), 10.0),
        (lambda: wasserstein_1d([0.0, 7.0], [1.0], [1.0, 0.0]), 1.0),  # a point without weight is not there
        (lambda: wasserstein_1d([0.0, 4.0], [0.0, 4.0], y_weights=[3.0, 1.0]), 1.0),
        (lambda: wasserstein_1d([0.0, 1.0], [1.0], [1e308, 1e308]), 0.5),  # their sum overflows
        (lambda: wasserstein_discrete([1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 5.0]), 5.0),
        (lambda: wasserstein_discrete([0.5, 0.5], [0.25, 0.75], [-1, 3]), 1.0),
        (lambda: wasserstein_discrete([1.0], [1.0], [3.0]), 0.0),
        (lambda: sliced_wasserstein([[0.0], [2.0]], [[1.0], [4.0]]), 1.5),
        (lambda: sliced_wasserstein([[0.0], [2.0]], [[1.0], [4.0]], p=2), math.sqrt(2.5)),  # not 2.5
        (lambda: sliced_wasserstein([[0.0], [2.0]], [[1.0], [4.0]], p=3), 4.5 ** (1 / 3)),
        (lambda: sliced_wasserstein([[0.0]], [[3.0], [4.0]], p=2), math.sqrt(12.5)),
        (lambda: frechet_distance([0.0, 0.0], EYE, [0.0, 0.0], EYE), 0.0),
        (lambda: frechet_distance([0.0, 0.0], EYE, [3.0, 4.0], EYE), 25.0),  # squared
        (lambda: frechet_distance([0.0], [[4.0]], [1.0], [[25.0]]), 10.0),
        (lambda: frechet_distance([0.0, 0.0], np.diag([1.0, 9.0]), [0.0, 0.0], np.diag([4.0, 1.0])), 5.0),
        (lambda: frechet_distance([0.0, 0.0], np.zeros((2, 2)), [0.0, 0.0], EYE), 2.0),  # from a point
        (lambda: frechet_distance([0.0, 0.0], np.zeros((2, 2)), [1.0, 0.0], np.zeros((2, 2))), 1.0),
        # segments at a right angle: Σx Σy = 0
        (lambda: frechet_distance([0.0, 0.0], np.diag([1.0, 0.0]), [0.0, 0.0], np.diag([0.0, 1.0])), 2.0),
    ],
)
def test_known_answer(got, expected):
    close(got(), expected)


# Properties


@examples
@given(two)
def test_total_variation_is_the_largest_difference_over_all_events(pq):
    p, q = pq
    events = (np.arange(2 ** len(p))[:, None] >> np.arange(len(p))) & 1  # every subset, (2^K, K)
    close(total_variation(p, q), abs(events @ (p - q)).max())


@examples
@given(two)
def test_inequalities_between_the_distances(pq):
    p, q = pq
    tv, h, kl = total_variation(p, q), hellinger(p, q), kl_divergence(p, q)
    assert 0 <= h**2 <= tv + 1e-12
    assert tv <= math.sqrt(2) * h + 1e-7
    assert tv <= math.sqrt(kl / 2) + 1e-7  # Pinsker
    assert 2 * h**2 <= kl + 1e-12
    assert max(tv, h) <= 1


@examples
@given(three, st.data())
def test_metrics(pqr, data):
    """0 only at equality, symmetric, and no detour is shorter."""
    p, q, r = pqr
    support = np.cumsum(data.draw(hnp.arrays(np.float64, len(p), elements=st.floats(0.1, 5.0))))
    for d in (total_variation, hellinger, lambda p, q: wasserstein_discrete(p, q, support)):
        close(d(p, p), 0.0)
        close(d(p, q), d(q, p))
        assert d(p, q) >= 0.05 * abs(p - q).max() - 1e-12
        assert d(p, r) <= d(p, q) + d(q, r) + 1e-12


@examples
@given(two, st.data())
def test_data_processing(pq, data):
    """A channel brings no two distributions further apart."""
    p, q = pq
    channel = np.stack([data.draw(distribution(3)) for _ in p])
    for d in (total_variation, hellinger):
        assert d(p @ channel, q @ channel) <= d(p, q) + 1e-9


@examples
@given(weighted, weighted, weighted)
def test_wasserstein_is_a_metric(first, second, third):
    def w1(a, b):
        return wasserstein_1d(a[0], b[0], a[1], b[1])

    close(w1(first, first), 0.0, 1e-9)
    close(w1(first, second), w1(second, first), 1e-9)
    assert w1(first, third) <= w1(first, second) + w1(second, third) + 1e-9
    means = [np.average(x, weights=a) for x, a in (first, second)]
    assert w1(first, second) >= abs(means[0] - means[1]) - 1e-9


@examples
@given(samples, samples, st.floats(-10, 10), st.floats(-10, 10))
def test_wasserstein_under_shift_scale_and_repetition(x, y, shift, scale):
    w1 = wasserstein_1d(x, y)
    close(wasserstein_1d(x + shift, y + shift), w1, 1e-9)
    close(wasserstein_1d(x, x + shift), abs(shift), 1e-9)
    close(wasserstein_1d(scale * x, scale * y), abs(scale) * float(w1), 1e-9)
    close(wasserstein_1d(np.tile(x, 3), np.tile(y, 2)), w1, 1e-9)
    close(wasserstein_1d(x[::-1], np.roll(y, 1)), w1, 1e-9)


@examples
@given(sizes.flatmap(lambda n: st.tuples(sample(n), hnp.arrays(np.int64, n, elements=st.integers(1, 4)))), samples,
       st.floats(0.1, 100))
def test_weights_count_repetitions_in_any_scale(counted, y, scale):
    x, counts = counted
    expected = wasserstein_1d(np.repeat(x, counts), y)
    close(wasserstein_1d(x, y, scale * counts), expected, 1e-9)
    close(wasserstein_1d(y, x, y_weights=scale * counts), expected, 1e-9)
    close(wasserstein_1d(x, y, np.ones(len(x)), np.ones(len(y))), wasserstein_1d(x, y), 1e-9)


@examples
@given(two)
def test_discrete_is_the_weighted_one_on_the_support(pq):
    p, q = pq
    support = np.arange(len(p)) ** 2 / 3
    close(wasserstein_discrete(p, q, support), wasserstein_1d(support, support, p, q), 1e-9)


@examples
@given(samples, samples, st.sampled_from([1, 1.5, 2, 3]))
def test_sliced_in_one_dimension_is_w_p_which_grows_with_p(x, y, p):
    sliced = sliced_wasserstein(x[:, None], y[:, None], n_projections=3, p=p)
    cost = abs(x[:, None] - y[None]) ** p
    plan = ot.emd2(np.full(len(x), 1 / len(x)), np.full(len(y), 1 / len(y)), cost)
    close(sliced**p, plan, 1e-6)  # as costs: the root of POT's rounding, 1e-13, would not be small
    assert sliced >= wasserstein_1d(x, y) - 1e-9


def test_sliced_is_invariant_to_rotation_and_shrinks_a_shift_by_root_d():
    """Of a shift c a line sees θ·c, and E (θ·c)² = ‖c‖² / d."""
    rng = np.random.default_rng(0)
    x, c, slices = rng.normal(size=(40, 3)), np.array([1.0, -2.0, 2.0]), 20_000
    error = 3 * math.sqrt((1 / 5 - 1 / 9) / slices)  # standard error of (θ·c)² / ‖c‖² = z², E z⁴ = 3 / (d (d + 2))
    got = sliced_wasserstein(x, x + c, n_projections=slices, p=2, generator=seeded())
    close(got**2 / 9, 1 / 3, 5 * error)
    rotation = scipy.stats.special_ortho_group.rvs(3, random_state=0)
    turned = sliced_wasserstein(x @ rotation, (x + c) @ rotation, n_projections=slices, p=2, generator=seeded(1))
    close(turned**2 / 9, 1 / 3, 5 * error)
    assert sliced_wasserstein(x, x, p=2) == 0


def test_sliced_follows_its_generator():
    x, y = torch.randn(2, 30, 4, generator=seeded())
    first, same, other = (sliced_wasserstein(x, y, generator=seeded(s)) for s in (1, 1, 2))
    assert first == same
    assert first != other
    torch.manual_seed(3)
    first = sliced_wasserstein(x, y)
    torch.manual_seed(3)
    assert first == sliced_wasserstein(x, y)


@examples
@given(gaussians(3))
def test_frechet_is_a_squared_metric(three):
    d = {(i, j): frechet_distance(*three[i], *three[j]) for i in range(3) for j in range(3)}
    for i in range(3):
        close(d[i, i], 0.0, 1e-7)
        assert all(d[i, j] >= 0 for j in range(3))
    close(d[0, 1], d[1, 0], 1e-7)
    assert d[0, 2].sqrt() <= d[0, 1].sqrt() + d[1, 2].sqrt() + 1e-6


@examples
@given(gaussians(1), st.floats(-5, 5))
def test_frechet_of_a_shift_is_its_squared_length(one, shift):
    [(mean, cov)] = one
    close(frechet_distance(mean, cov, mean + shift, cov), len(mean) * shift**2, 1e-7)


def test_frechet_is_exact_for_fewer_samples_than_dimensions():
    """The root of a rounding error, 1e-8 each, does not add up: peers are off by 1e-4 here."""
    features = torch.randn(40, 120, generator=seeded(), dtype=torch.float64)
    mean, cov = features.mean(0), features.T.cov()
    other = features @ torch.diag(torch.linspace(0.5, 2, 120, dtype=torch.float64))
    close(frechet_distance(mean, cov, mean + 0.25, cov), 120 / 16, 1e-11)
    a, b = features - mean, other - other.mean(0)
    nuclear = torch.linalg.matrix_norm(a @ b.T, "nuc") / 39  # tr (Σx Σy)^½ from the features themselves
    expected = (mean - other.mean(0)).square().sum() + cov.trace() + other.T.cov().trace() - 2 * nuclear
    close(frechet_distance(mean, cov, other.mean(0), other.T.cov()), expected, 1e-11)
    to_identity = cov.trace() + 120 - 2 * torch.linalg.svdvals(a).sum() / math.sqrt(39)
    close(frechet_distance(mean, cov, mean, torch.eye(120)), to_identity, 1e-11)


# Other libraries


@examples
@given(weighted, weighted)
def test_wasserstein_against_scipy(first, second):
    (x, a), (y, b) = first, second
    close(wasserstein_1d(x, y), scipy.stats.wasserstein_distance(x, y), 1e-9)
    close(wasserstein_1d(x, y, a, b), scipy.stats.wasserstein_distance(x, y, a, b), 1e-9)
    close(wasserstein_1d(x, y, x_weights=a), scipy.stats.wasserstein_distance(x, y, a), 1e-9)
    close(wasserstein_1d(x, y, y_weights=b), scipy.stats.wasserstein_distance(x, y, None, b), 1e-9)


@examples
@given(two)
def test_discrete_against_linear_programming(pq):
    p, q = pq
    support = np.cumsum(np.arange(len(p)) + 1.0)
    close(wasserstein_discrete(p, q, support), ot.emd2(p, q, abs(support[:, None] - support[None])), 1e-9)


def test_discrete_between_uniform_densities_against_quadrature():
    """U(0, 1) and U(0, 2) on a fine grid: W1 = ∫ |u - 2u| du = 1/2."""
    grid = np.linspace(0, 2, 2001)[:-1] + 0.0005
    p, q = np.where(grid < 1, 1.0, 0.0), np.ones(2000)
    close(wasserstein_discrete(p / p.sum(), q / q.sum(), grid), 0.5, 1e-6)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("m", [20, 33])
def test_sliced_against_pot(p, m):
    """POT, given the directions that we draw: standard normal rows, normalised."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(1.0, 2.0, size=(m, 3))
    directions = torch.randn(50, 3, generator=seeded(), dtype=torch.float64)
    directions = (directions / directions.norm(dim=1, keepdim=True)).numpy()
    expected = ot.sliced_wasserstein_distance(x, y, projections=directions.T, p=p)
    close(sliced_wasserstein(x, y, n_projections=50, p=p, generator=seeded()), expected, 1e-9)


def test_directions_are_uniform_on_the_sphere():
    """From the origin to one point c, SW_2² is the mean of (θ·c)²: the same for each axis."""
    for c in np.eye(4):
        got = sliced_wasserstein(np.zeros((1, 4)), c[None], n_projections=20_000, p=2, generator=seeded())
        close(got**2, 1 / 4, 5 * math.sqrt((3 / 24 - 1 / 16) / 20_000))


@examples
@given(gaussians())
def test_frechet_against_scipy_sqrtm_and_pot(pair):
    (m0, s0), (m1, s1) = ((m, s + 0.1 * np.eye(len(m))) for m, s in pair)
    got = frechet_distance(m0, s0, m1, s1)
    root = scipy.linalg.sqrtm(s0 @ s1).real
    close(got, ((m0 - m1) ** 2).sum() + np.trace(s0 + s1 - 2 * root), 1e-7)
    close(got, ot.gaussian.bures_wasserstein_distance(m0, m1, s0, s1) ** 2, 1e-6)


def test_frechet_is_the_squared_w2_of_large_samples():
    """In one dimension, where W2 of samples is a sort."""
    x = torch.randn(200_000, 1, generator=seeded(), dtype=torch.float64)
    y = 1 + 3 * torch.randn(200_000, 1, generator=seeded(1), dtype=torch.float64)
    close(sliced_wasserstein(x, y, n_projections=1, p=2) ** 2, frechet_distance([0.0], [[1.0]], [1.0], [[9.0]]), 0.02)


# Gradients


def generic(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("m", [6, 9])
def test_wasserstein_gradients(m):
    x, y, a, b = generic(6), generic(m, seed=1), generic(6, seed=2), generic(m, seed=3)
    assert torch.autograd.gradcheck(wasserstein_1d, (x, y))
    assert torch.autograd.gradcheck(lambda x, y, a, b: wasserstein_1d(x, y, a.exp(), b.exp()), (x, y, a, b))
    u, v = generic(5, 2), generic(m, 2, seed=1)
    for p in (1, 2, 3.5):
        assert torch.autograd.gradcheck(
            lambda u, v, p=p: sliced_wasserstein(u, v, n_projections=4, p=p, generator=seeded()), (u, v))


def test_other_gradients():
    p, q = generic(2, 4), generic(2, 4, seed=1)
    support = torch.tensor([0.0, 1.0, 4.0, 5.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p, q: total_variation(p.softmax(-1), q.softmax(-1)), (p, q))
    assert torch.autograd.gradcheck(lambda p, q: hellinger(p.softmax(-1), q.softmax(-1)), (p, q))
    assert torch.autograd.gradcheck(
        lambda p, q, s: wasserstein_discrete(p.softmax(-1), q.softmax(-1), s), (p, q, support))
    m, n, a, b = generic(3), generic(3, seed=1), generic(3, 3, seed=2), generic(3, 3, seed=3)
    assert torch.autograd.gradcheck(
        lambda m, a, n, b: frechet_distance(m, a @ a.T + torch.eye(3), n, b @ b.T + torch.eye(3)), (m, a, n, b))


def test_gradients_are_finite_where_the_distance_is_zero_or_an_entry_is():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    p = torch.tensor([0.5, 0.5, 0.0], requires_grad=True)
    q = torch.tensor([0.0, 0.5, 0.5], requires_grad=True)
    for value in (sliced_wasserstein(x, x.detach(), p=2), sliced_wasserstein(x, x.detach(), p=1.5),
                  wasserstein_1d(x[0], x[0].detach()), hellinger(p, p.detach()), hellinger(p, q), hellinger(q, p),
                  total_variation(p, p.detach()), wasserstein_discrete(p, q, [0.0, 1.0, 2.0])):
        x.grad = p.grad = None
        value.backward()
        for leaf in (x, p):
            assert leaf.grad is None or leaf.grad.isfinite().all()


def test_descent_on_wasserstein_moves_one_sample_onto_the_other():
    y = torch.randn(50, generator=seeded(), dtype=torch.float64)
    x = (y + 3).flip(0).requires_grad_()
    wasserstein_1d(x, y).backward()
    close(x.grad, 1 / 50)  # each point is too far to the right
    close(wasserstein_1d(x - 3 * 50 * x.grad, y), 0.0)


# Batches, dtypes, devices


def test_batches_broadcast():
    rng = np.random.default_rng(0)
    p, q, support = rng.dirichlet(np.ones(4), (5, 1)), rng.dirichlet(np.ones(4), (3,)), [0.0, 1.0, 3.0, 4.0]
    for d in (total_variation, hellinger, lambda p, q: wasserstein_discrete(p, q, support)):
        got = d(p, q)
        assert got.shape == (5, 3)
        close(got, [[d(p[i, 0], q[j]) for j in range(3)] for i in range(5)])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors_keep_their_dtype_and_device(dtype, device):
    p, q = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]], dtype=dtype, device=device)
    x, y = torch.randn(2, 30, 3, generator=seeded()).to(device, dtype)
    u, v = x[:, 0], y[:, 0]
    exact = max(1e-6, torch.finfo(dtype).eps)  # only the rounding of the answer is left
    for d, arguments in ((total_variation, (p, q)), (hellinger, (p, q)),
                         (wasserstein_discrete, (p, q, p.new_tensor([0.0, 1.0, 3.0]))),
                         (wasserstein_1d, (u, v)), (wasserstein_1d, (u, v[:20])), (wasserstein_1d, (u, v, u.abs()))):
        got = d(*arguments)
        assert got.dtype == dtype
        assert got.device.type == device
        close(got, d(*(a.cpu().double() for a in arguments)), exact)
    for rows in (30, 7):
        got = sliced_wasserstein(x, y[:rows], p=2, generator=seeded())
        assert got.dtype == dtype
        assert got.device.type == device
    fd = frechet_distance(x[0], torch.eye(3, dtype=dtype, device=device), y[0].tolist(), np.eye(3))
    assert fd.dtype == torch.float64
    assert fd.device.type == device


def test_numbers_sequences_arrays_and_integers_become_float64():
    for x in ([0, 1], (0.0, 1.0), np.array([0, 1], np.float32), torch.tensor([0, 1]), np.array([1.0, 0.0])[::-1]):
        got = wasserstein_1d(x, [2, 3])
        assert got.dtype == torch.float64
        close(got, 2.0)
    assert wasserstein_1d(torch.zeros(2), torch.ones(2), [1, 2], [1, 2]).dtype == torch.float32


def test_inputs_are_left_as_they_were():
    x, y = torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0.0, 5.0, 4.0])
    wasserstein_1d(x, y)
    wasserstein_1d(x, y, torch.tensor([2.0, 1.0, 1.0]))
    sliced_wasserstein(x[:, None], y[:, None])
    assert x.tolist() == [3.0, 1.0, 2.0]
    assert y.tolist() == [0.0, 5.0, 4.0]


def test_many_points_of_two_sizes():
    """n m beyond 2^31, where 32-bit counting would break."""
    x = torch.arange(70_000, dtype=torch.float64) / 70_000
    y = torch.arange(50_001, dtype=torch.float64) / 50_001
    close(wasserstein_1d(x, y), scipy.stats.wasserstein_distance(x.numpy(), y.numpy()), 1e-9)


# Bad input: an error that names the argument


@examples
@given(samples, st.data(), st.sampled_from([math.nan, math.inf, -math.inf]))
def test_samples_that_are_not_finite_are_refused(good, data, value):
    bad = good.copy()
    bad[data.draw(st.integers(0, len(bad) - 1))] = value
    for d in (wasserstein_1d, lambda x, y: sliced_wasserstein(x[:, None], y[:, None]),
              lambda x, y: wasserstein_1d(x, y, np.ones(len(x)))):
        with pytest.raises(ValueError, match="^x must be finite"):
            d(bad, good)
        with pytest.raises(ValueError, match="^y must be finite"):
            d(good, bad)


@examples
@given(weighted, st.data(), st.sampled_from([-1.0, -1e-12, math.nan, math.inf]))
def test_bad_weights_are_refused(good, data, value):
    x, a = good
    bad = a.copy()
    bad[data.draw(st.integers(0, len(bad) - 1))] = value
    for wrong in (bad, np.zeros(len(x)), torch.from_numpy(bad)):
        with pytest.raises(ValueError, match="^x_weights must be non-negative"):
            wasserstein_1d(x, x, wrong, a)
        with pytest.raises(ValueError, match="^y_weights must be non-negative"):
            wasserstein_1d(x, x, a, wrong)
        with pytest.raises(ValueError, match="^y_weights must be non-negative"):
            wasserstein_1d(x, x, y_weights=wrong)


@examples
@given(distribution(4), st.integers(0, 3), st.sampled_from([-0.5, math.nan, math.inf, 7.0]))
def test_what_is_no_distribution_is_refused(good, i, value):
    bad = good.copy()
    bad[i] = value
    for d in (total_variation, hellinger, lambda p, q: wasserstein_discrete(p, q, range(4))):
        with pytest.raises(ValueError, match="^p must"):
            d(bad, good)
        with pytest.raises(ValueError, match="^q must"):
            d(good, bad)


@examples
@given(hnp.arrays(np.float64, 4, elements=st.floats(-5, 5)))
def test_a_support_that_does_not_increase_is_refused(support):
    support[2] = min(support[1], support[2])
    with pytest.raises(ValueError, match="^support must be strictly increasing"):
        wasserstein_discrete([0.25] * 4, [0.25] * 4, support)


HALVES = [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: total_variation([1.0], HALVES), ValueError, "^p, q must"),
        (lambda: hellinger(HALVES, [1.0]), ValueError, "^p, q must"),
        (lambda: total_variation("ab", HALVES), TypeError, "^p must be a number"),
        (lambda: wasserstein_1d([], [1.0]), ValueError, "^x must be a sample"),
        (lambda: wasserstein_1d([1.0], []), ValueError, "^y must be a sample"),
        (lambda: wasserstein_1d(1.0, [1.0]), ValueError, "^x must be a sample"),
        (lambda: wasserstein_1d([[1.0]], [1.0]), ValueError, "^x must be a sample"),
        (lambda: wasserstein_1d([1.0], ["a"]), TypeError, "^y must be a number"),
        (lambda: wasserstein_1d([1.0], torch.tensor([1j])), TypeError, "^y must be real"),
        (lambda: wasserstein_1d([1.0], [1.0], [1.0, 1.0]), ValueError, "^x_weights must be"),
        (lambda: wasserstein_1d([1.0, 2.0], [1.0], None, [1.0, 1.0]), ValueError, "^y_weights must be"),
        (lambda: wasserstein_1d([1.0, 2.0], [1.0], 1.0), ValueError, "^x_weights must be"),
        (lambda: wasserstein_1d([1.0], [1.0], ["a"]), TypeError, "^x_weights must be a number"),
        (lambda: wasserstein_discrete(HALVES, HALVES, [0.0, 1.0, 2.0]), ValueError, "^support must"),
        (lambda: wasserstein_discrete(HALVES, HALVES, [[0.0, 1.0]]), ValueError, "^support must"),
        (lambda: wasserstein_discrete(HALVES, HALVES, [0.0, math.inf]), ValueError, "^support must be finite"),
        (lambda: wasserstein_discrete(HALVES, HALVES, [1.0, 0.0]), ValueError, "^support must"),
        (lambda: wasserstein_discrete(HALVES, [1.0], [0.0, 1.0]), ValueError, "^p, q must"),
        (lambda: wasserstein_discrete(1.0, 1.0, [0.0]), ValueError, "^p must have at least 1"),
        (lambda: sliced_wasserstein([1.0], [1.0]), ValueError, "^x must be a sample"),
        (lambda: sliced_wasserstein([[1.0]], []), ValueError, "^y must be a sample"),
        (lambda: sliced_wasserstein(np.ones((0, 2)), [HALVES]), ValueError, "^x must be a sample"),
        (lambda: sliced_wasserstein(np.ones((2, 0)), np.ones((2, 0))), ValueError, "^x must be a sample"),
        (lambda: sliced_wasserstein([[1.0]], [HALVES]), ValueError, "^x, y must"),
        (lambda: sliced_wasserstein([[1.0]], [[1.0]], p=0.5), ValueError, "^p must be at least 1"),
        (lambda: sliced_wasserstein([[1.0]], [[1.0]], p=math.inf), ValueError, "^p must be at least 1"),
        (lambda: sliced_wasserstein([[1.0]], [[1.0]], p=math.nan), ValueError, "^p must be at least 1"),
        (lambda: sliced_wasserstein([[1.0]], [[1.0]], n_projections=0), ValueError, "^n_projections must"),
        (lambda: frechet_distance([0.0], EYE, [0.0, 0.0], EYE), ValueError, "^mean_x, cov_x, mean_y, cov_y must"),
        (lambda: frechet_distance([0.0, 0.0], EYE, [0.0, 0.0], [[1.0]]), ValueError, "^mean_x, cov_x"),
        (lambda: frechet_distance(0.0, 1.0, 0.0, 1.0), ValueError, "^cov_x must be square"),
        (lambda: frechet_distance([0.0], [[1.0]], [0.0], [[math.nan]]), ValueError, "^cov_y must be finite"),
        (lambda: frechet_distance([math.inf], [[1.0]], [0.0], [[1.0]]), ValueError, "^mean_x must be finite"),
        (lambda: frechet_distance([0.0], [[1.0]], [math.nan], [[1.0]]), ValueError, "^mean_y must be finite"),
        (lambda: frechet_distance([0.0], [[-1.0]], [0.0], [[1.0]]), ValueError, "^cov_x must be positive"),
        (lambda: frechet_distance([0.0] * 2, EYE, [0.0] * 2, [[1.0, 2.0], [2.0, 1.0]]), ValueError,
         "^cov_y must be positive"),
        (lambda: frechet_distance([0.0] * 2, [[1.0, 0.5], [0.0, 1.0]], [0.0] * 2, EYE), ValueError,
         "^cov_x must be symmetric"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Docstrings


@pytest.mark.parametrize("module", [distances], ids=lambda m: m.__name__)
def test_doctests(module):
    public = [f for name, f in inspect.getmembers(module, inspect.isfunction)
              if f.__module__ == module.__name__ and not name.startswith("_")]
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted >= len(public) == 6
    for f in public:
        assert ">>>" in f.__doc__, f"{f.__name__} has no example"
        assert "Source:" in f.__doc__, f"{f.__name__} names no source"
