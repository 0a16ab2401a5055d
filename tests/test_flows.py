"""Flows against autograd, quadrature and slow second ways, and a museum of bugs: each property holds for the
code and fails for a mutant."""

import json
import math

import pytest
import torch
from conftest import mutated
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal
from torch.func import jacrev, vmap

from gm_utils import recipes
from gm_utils.models import flows as module
from gm_utils.models.flows import (
    IAF,
    MADE,
    MAF,
    AffineCoupling,
    Flow,
    Inverse,
    InvertibleLinear,
    Logit,
    MaskedAutoregressive,
    Permutation,
    RealNVP,
    StandardNormal,
    bits_per_dim,
    bounded,
    dequantize,
)
from gm_utils.runtime import ROOT
from gm_utils.training import train
from gm_utils.weights import load_checkpoint

D = 5
ORDER = [2, 0, 4, 1, 3]
MASKS = {"first": [1, 1, 0, 0, 0], "last": [0, 0, 1, 1, 1], "mixed": [0, 1, 1, 0, 1], "ends": [1, 0, 0, 0, 1]}


def random(model, std=0.4, seed=0):
    """The model in float64 with random weights: all start as the identity, which shows no bug."""
    g = torch.Generator().manual_seed(seed)
    model.double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(std * torch.randn(p.shape, generator=g, dtype=p.dtype))
    return model


def data(n=6, dim=D):
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def transforms(m):
    """{name: transform of D dimensions} with the classes of module `m`."""
    out = {f"coupling {k}": random(m.AffineCoupling(D, torch.tensor(v), (16, 16))) for k, v in MASKS.items()}
    out["autoregressive"] = random(m.MaskedAutoregressive(D, (7, 9)))
    out["autoregressive, ordered"] = random(m.MaskedAutoregressive(D, (9, 4, 7), ORDER))
    out["inverse autoregressive"] = m.Inverse(random(m.MaskedAutoregressive(D, (7, 9), ORDER)))
    out["linear"] = random(m.InvertibleLinear(D), 1.0)
    out["permutation"] = m.Permutation(ORDER)
    return out


def models(m):
    g = torch.Generator().manual_seed(1)
    mixed = [m.AffineCoupling(D), m.Permutation(torch.randperm(D, generator=g)), m.InvertibleLinear(D)]
    return {
        "RealNVP": random(m.RealNVP(D, 4, (16, 16)), 0.3),
        "MAF": random(m.MAF(D, 3, (12, 9)), 0.3),
        "IAF": random(m.IAF(D, 3, (12, 9)), 0.3),
        "mixed": random(m.Flow([*mixed, *m.MAF(D, 2, (8,)).transforms], m.StandardNormal(D)), 0.7),
    }


def close(got, expected, tol=1e-9):
    assert (got - expected).abs().max() <= tol, (got, expected)


def jacobian(direction, x):
    return vmap(jacrev(lambda v: direction(v)[0]))(x)


# Properties: functions of the module, so that the mutants below can be shown to break them


def log_det_is_autograds(m):
    """Both directions, of every transform and flow, against slogdet of autograd's Jacobian."""
    for part in [*transforms(m).values(), *models(m).values()]:
        for direction in (part.forward, part.inverse):
            log_det = direction(data())[1]
            assert log_det.shape == (6,)
            close(log_det, torch.linalg.slogdet(jacobian(direction, data()))[1], 1e-7)


def logit_is_right(m):
    x = data().sigmoid()
    for alpha in (0.0, 0.05, 0.3):
        z, log_det = m.Logit(alpha)(x)
        close(z.sigmoid(), alpha + (1 - 2 * alpha) * x)
        slopes = torch.autograd.functional.jacobian(lambda v, a=alpha: m.Logit(a)(v)[0].sum(0), x).diagonal(dim1=0, dim2=2)
        close(log_det, slopes.log().sum(1))
        close(m.Logit(alpha).inverse(z)[0], x)
        close(m.Logit(alpha).inverse(z)[1], -log_det)


def directions_are_inverse(m):
    """f^-1(f(x)) = x and f(f^-1(x)) = x, and the two log-determinants cancel."""
    for part in [*transforms(m).values(), *models(m).values()]:
        for there, back in ((part.forward, part.inverse), (part.inverse, part.forward)):
            z, log_det = there(data())
            x, other = back(z)
            assert (z - data()).abs().max() > 0.01
            close(x, data(), 1e-8)
            close(log_det, -other, 1e-8)


def float32_round_trip(m):
    """At d = 64, from draws of an untrained model and of one with weights of the usual size."""
    for make in (m.RealNVP, m.MAF, m.IAF):
        for reset in (False, True):
            torch.manual_seed(0)
            flow = make(64, 3, (80, 80))
            if reset:
                for f in flow.transforms:
                    f = getattr(f, "transform", f)
                    (f.net if hasattr(f, "net") else f.made.layers)[-1].reset_parameters()
            x = flow.sample(200)
            assert x.isfinite().all()
            with torch.no_grad():
                z, _ = flow(x)
                close(flow.inverse(z)[0], x, 1e-5)


def coupling_is_equation_4(m):
    """z = x on the mask, x exp(s) + t elsewhere, log|det| = sum s, from the network called by hand."""
    for mask in MASKS.values():
        mask = torch.tensor(mask).bool()
        layer = random(m.AffineCoupling(D, mask, (16,)))
        s, t = layer.net(data()[:, mask]).chunk(2, 1)
        s = 3 * torch.tanh(s / 3)
        z, log_det = layer(data())
        assert torch.equal(z[:, mask], data()[:, mask])
        close(z[:, ~mask], data()[:, ~mask] * s.exp() + t)
        close(log_det, s.sum(1))


def jacobian_is_triangular(m):
    """In the order of the coordinates; exactly, and all that may depend does depend."""
    for order in (list(range(D)), ORDER):
        for hidden in ((4,), (16, 16), (5, 4, 11)):
            layer = random(m.MaskedAutoregressive(D, hidden, order), 0.8)
            j = jacobian(layer.forward, 5 * data(200))[:, order][:, :, order]
            assert (j.triu(1) == 0).all()
            assert (j.diagonal(dim1=1, dim2=2) > 0).all()
            j = j.abs().amax(0)  # over points on both sides of every kink
            assert (j[torch.ones(D, D).tril(-1).bool()] > 0).all()


def scales_are_bounded(m):
    for layer in (m.AffineCoupling(D).double(), m.MaskedAutoregressive(D).double()):
        for direction in (layer.forward, layer.inverse):
            if isinstance(layer, m.AffineCoupling):  # starts as the identity
                assert torch.equal(direction(data())[0], data())
        random(layer, 50.0)
        limit = 3 * (3 if isinstance(layer, m.AffineCoupling) else D)
        for direction in (layer.forward, layer.inverse):
            assert direction(data())[0].isfinite().all()
            assert direction(data())[1].abs().max() <= limit + 1e-9
    close(m.bounded(torch.tensor([1e-4]).double()), 1e-4)


def inversion_is_that_in_d_passes(m):
    """Against the plain way: D passes of the whole network, after each one more coordinate is right."""
    for hidden, order in (((4,), ORDER), ((7, 9), list(range(D))), ((9, 4, 7), ORDER)):
        layer = random(m.MaskedAutoregressive(D, hidden, order))
        x = torch.zeros_like(data())
        for _ in range(D):
            t, s = layer.made(x)
            x = data() * s.exp() + t
        close(layer.inverse(data())[0], x)
        close(layer.inverse(data())[1], s.sum(1))


def iaf_is_a_swapped_maf(m):
    maf, iaf = random(m.MAF(D, 1, (12, 9))), random(m.IAF(D, 1, (12, 9)))
    for a, b in ((maf.forward, iaf.inverse), (maf.inverse, iaf.forward)):
        for got, expected in zip(a(data()), b(data()), strict=True):
            assert torch.equal(got, expected)


def density_is_normalised(m):
    """The integral over a square that holds all but 1e-6, by the trapezoidal rule."""
    t = torch.linspace(-9, 9, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(t, t)
    mixed = [m.InvertibleLinear(2, torch.tensor([[2.0, 1.0], [-1.0, 2.0]])), m.AffineCoupling(2), m.Permutation([1, 0])]
    for flow in (m.RealNVP(2, 3, (8,)), m.MAF(2, 2, (8,)), m.IAF(2, 2, (8,)), m.Flow(mixed, m.StandardNormal(2))):
        g = torch.Generator().manual_seed(0)
        flow.double()
        for p in flow.parameters():
            p.data += 0.2 * torch.randn(p.shape, generator=g, dtype=p.dtype)
        with torch.no_grad():
            mass = flow.log_prob(grid).exp().sum() * (t[1] - t[0]) ** 2
        assert abs(mass - 1) < 1e-3, mass


def linear_flow_is_a_gaussian(m):
    """x = W^-1 z has the covariance (W' W)^-1: log-density, and the moments of the samples."""
    w = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.5, -1.0], [0.3, 0.0, 1.0]], dtype=torch.float64)
    flow = m.Flow([m.Permutation([2, 0, 1]), m.InvertibleLinear(3, w)], m.StandardNormal(3)).double()
    w = w[:, [1, 2, 0]]  # of x before the permutation
    cov = torch.linalg.inv(w.T @ w)
    x = data(dim=3)
    close(flow.log_prob(x), MultivariateNormal(torch.zeros(3).double(), cov).log_prob(x))
    draws = flow.sample(100_000, generator=torch.Generator().manual_seed(0))
    products = draws.unsqueeze(1) * draws.unsqueeze(2)
    assert ((products.mean(0) - cov).abs() <= 5 * products.std(0) / len(draws) ** 0.5).all()


def gradients_are_right(m):
    """In both directions, with respect to input and weights."""
    for part in transforms(m).values():
        for direction in (part.forward, part.inverse):
            x = data(3).requires_grad_()
            assert torch.autograd.gradcheck(lambda v, f=direction: f(v), (x,), raise_exception=False)
            weights = [p for p in part.parameters() if p.requires_grad]
            if weights:
                z, log_det = direction(data(3))
                value = (z**2).sum() + (log_det**2).sum()
                step = [torch.randn(p.shape, generator=torch.Generator().manual_seed(9)).to(p) for p in weights]
                slope = sum((a * b).sum() for a, b in zip(torch.autograd.grad(value, weights), step, strict=True))
                values = []
                for h in (1e-6, -1e-6):
                    with torch.no_grad():
                        for p, b in zip(weights, step, strict=True):
                            p += h * b
                        z, log_det = direction(data(3))
                        values.append((z**2).sum() + (log_det**2).sum())
                        for p, b in zip(weights, step, strict=True):
                            p -= h * b
                assert abs((values[0] - values[1]) / 2e-6 - slope) < 1e-4 * (1 + abs(slope))


def samples_have_the_density(m):
    """E exp(-log q(x)) over a box = its area, for x ~ q; and E log q is minus the entropy by quadrature."""
    t = torch.linspace(-9, 9, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(t, t)
    for make in (m.RealNVP, m.MAF, m.IAF):
        flow = random(make(2, 2, (8,)), 0.3)
        x = flow.sample(20_000, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            log_q, on_grid = flow.log_prob(x), flow.log_prob(grid)
        expected = (on_grid.exp() * on_grid).sum() * (t[1] - t[0]) ** 2
        assert abs(log_q.mean() - expected) < 5 * log_q.std() / len(x) ** 0.5
        assert abs(flow.loss(x) + log_q.mean()) < 1e-12


def pixels(m):
    """Theis et al.: with a uniform density the bits are log2(n_levels), and the bound is one."""
    levels = torch.arange(17).repeat(40_000, 1)
    x = m.dequantize(levels, 17, generator=torch.Generator().manual_seed(0))
    assert ((x * 17).floor() == levels).float().mean() > 0.9999  # float32 rounds 17 x up now and then
    u = x * 17 - levels
    assert ((u.mean(0) - 0.5).abs() < 5 * (1 / 12 / len(u)) ** 0.5).all()
    assert (u.std(0) - 12**-0.5).abs().max() < 0.002
    assert m.bits_per_dim(0.0, 64, 17) == pytest.approx(math.log2(17))
    assert m.bits_per_dim(torch.tensor(64 * math.log(2.0)), 64, 1) == pytest.approx(1)


PROPERTIES = [
    log_det_is_autograds, logit_is_right, directions_are_inverse, float32_round_trip, coupling_is_equation_4,
    jacobian_is_triangular, scales_are_bounded, inversion_is_that_in_d_passes, iaf_is_a_swapped_maf,
    density_is_normalised, linear_flow_is_a_gaussian, gradients_are_right, samples_have_the_density, pixels,
]  # fmt: skip


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda f: f.__name__)
def test_property(holds):
    holds(module)


MUSEUM = {  # name: what stands in the module, what stands there in the mutant, the properties that fail
    "log_det of the coupling with the wrong sign": (
        "torch.addcmul(t, b, s.exp())), s.sum(-1)", "torch.addcmul(t, b, s.exp())), -s.sum(-1)",
        [log_det_is_autograds, directions_are_inverse, density_is_normalised, samples_have_the_density]),
    "log_det of its inverse with the wrong sign": (
        "(b - t) * (-s).exp()), -s.sum(-1)", "(b - t) * (-s).exp()), s.sum(-1)",
        [log_det_is_autograds, directions_are_inverse]),
    "log_det of the MAF with the wrong sign": (
        "return (x - t) * (-s).exp(), -s.sum(-1)", "return (x - t) * (-s).exp(), s.sum(-1)",
        [log_det_is_autograds, directions_are_inverse, density_is_normalised, samples_have_the_density]),
    "shift before scale in the inverse coupling": (
        "(b - t) * (-s).exp())", "b * (-s).exp() - t)", [directions_are_inverse]),
    "the part that moves put back in another order": (
        "return x.index_copy(-1, self.moves, torch", "return x.index_copy(-1, self.moves.flip(0), torch",
        [coupling_is_equation_4, directions_are_inverse]),
    "scale and shift exchanged": (
        "s, t = self.net(a).chunk(2, -1)", "t, s = self.net(a).chunk(2, -1)", [coupling_is_equation_4]),
    "the mask not undone": (
        "return x.index_copy(-1, self.moves, torch.addcmul(t, b, s.exp()))",
        "return torch.cat([x.index_select(-1, self.passes), torch.addcmul(t, b, s.exp())], -1)",
        [directions_are_inverse, coupling_is_equation_4]),
    "a scale without bound": (
        "return 3 * torch.tanh(s / 3)", "return s", [scales_are_bounded, coupling_is_equation_4]),
    "a bound of slope 3": ("return 3 * torch.tanh(s / 3)", "return 3 * torch.tanh(s)", [scales_are_bounded]),
    "a unit sees its own coordinate": (
        "layers.append(MaskedLinear(units[-1], degree.repeat(2), strict=True))",
        "layers.append(MaskedLinear(units[-1], degree.repeat(2)))",
        [log_det_is_autograds, jacobian_is_triangular, directions_are_inverse, density_is_normalised]),
    "hidden masks strict": (
        "else degrees_in <= degrees_out[:, None]", "else degrees_in < degrees_out[:, None]",
        [jacobian_is_triangular]),
    "degrees off by one": (
        "self.order.index(k) + 1 for k", "self.order.index(k) for k",
        [jacobian_is_triangular, inversion_is_that_in_d_passes]),
    "a degree without a hidden unit": (
        "* below // h + 1 for h", "* max(below - 1, 1) // h + 1 for h", [jacobian_is_triangular]),
    "the order taken for its inverse": (
        "self.order.index(k) + 1 for k", "self.order[k] + 1 for k",
        [jacobian_is_triangular, inversion_is_that_in_d_passes]),
    "output masks interleaved": (
        "degree.repeat(2)", "degree.repeat_interleave(2)",
        [jacobian_is_triangular, log_det_is_autograds, directions_are_inverse]),
    "no mask in the forward pass": (
        "F.linear(x, self.weight * self.mask, self.bias)", "F.linear(x, self.weight, self.bias)",
        [jacobian_is_triangular, log_det_is_autograds, directions_are_inverse]),
    "a block of hidden units late": (
        "made.blocks[k][step]", "made.blocks[k][step - 1]", [inversion_is_that_in_d_passes, directions_are_inverse]),
    "no rectifier in the inverse": (
        "sums[k][:, units].relu()", "sums[k][:, units]", [inversion_is_that_in_d_passes, directions_are_inverse]),
    "no gradient through the inverse": (
        "new, units = x[i].unsqueeze(1)", "new, units = x[i].detach().unsqueeze(1)", [gradients_are_right]),
    "log_det of the autoregressive inverse with the wrong sign": (
        "torch.stack(s, 1).sum(1)", "-torch.stack(s, 1).sum(1)",
        [inversion_is_that_in_d_passes, log_det_is_autograds]),
    "IAF not swapped": (
        "return self.transform.inverse(x)", "return self.transform(x)",
        [iaf_is_a_swapped_maf, directions_are_inverse]),
    "a permutation that is its own inverse": (
        "back = self.order.argsort()", "back = self.order", [directions_are_inverse]),
    "a linear map without its log_det": (
        "return z, torch.linalg.slogdet(self.weight)[1]", "return z, torch.zeros(())",
        [log_det_is_autograds, linear_flow_is_a_gaussian, density_is_normalised]),
    "log det instead of log|det|": (
        "return z, torch.linalg.slogdet(self.weight)[1]", "return z, torch.linalg.det(self.weight).log()",
        [log_det_is_autograds]),
    "a linear map transposed": (
        "torch.linalg.solve(self.weight, columns)", "torch.linalg.solve(self.weight.T, columns)",
        [directions_are_inverse]),
    "logit without the factor 1 - 2 alpha": (
        "(math.log(1 - 2 * self.alpha) - F", "(0 - F", [logit_is_right]),
    "the chain inverted in the order of the layers": (
        "for transform in reversed(self.transforms)]", "for transform in self.transforms]", [directions_are_inverse]),
    "only the last log_det": (
        "total = total + log_det", "total = log_det",
        [log_det_is_autograds, density_is_normalised, samples_have_the_density]),
    "log_det subtracted": (
        "self.base.log_prob(z) + log_det", "self.base.log_prob(z) - log_det",
        [density_is_normalised, linear_flow_is_a_gaussian, samples_have_the_density]),
    "log_det forgotten": (
        "self.base.log_prob(z) + log_det", "self.base.log_prob(z)",
        [density_is_normalised, linear_flow_is_a_gaussian]),
    "base without its normaliser": (
        "(z.square().sum(-1) + len(self.mean) * math.log(2 * math.pi))", "z.square().sum(-1)",
        [density_is_normalised, linear_flow_is_a_gaussian]),
    "samples through the wrong direction": (
        "return self.inverse(self.base.sample(n, generator=generator))[0]",
        "return self(self.base.sample(n, generator=generator))[0]",
        [linear_flow_is_a_gaussian, samples_have_the_density]),
    "loss summed": ("return -self.log_prob(x).mean()", "return -self.log_prob(x).sum()", [samples_have_the_density]),
    "noise of the width of a pixel, not of a level": (
        "return (x + draw(torch.rand, x.shape, x, generator)) / n_levels",
        "return x / n_levels + draw(torch.rand, x.shape, x, generator)", [pixels]),
    "noise around the level": (
        "return (x + draw(torch.rand, x.shape, x, generator)) / n_levels",
        "return (x + draw(torch.rand, x.shape, x, generator) - 0.5) / n_levels", [pixels]),
    "bits with the wrong sign of the levels": ("+ math.log2(n_levels)", "- math.log2(n_levels)", [pixels]),
}  # fmt: skip
CASES = [(name, prop) for name, (_, _, caught_by) in MUSEUM.items() for prop in caught_by]


@pytest.mark.parametrize(("name", "catches"), CASES, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_museum_of_bugs(name, catches):
    old, new, _ = MUSEUM[name]
    with pytest.raises(AssertionError):
        catches(mutated(module, old, new))


# Dtypes, devices, shapes


@pytest.mark.parametrize("make", [RealNVP, MAF, IAF])
def test_meta_device_looks_at_no_value(make):
    flow = make(4).to("meta")
    x = torch.empty(7, 4, device="meta")
    assert flow.loss(x).device.type == "meta"
    assert flow.sample(3).shape == (3, 4)
    with torch.device("meta"):
        built = Flow([Logit(), *RealNVP(4).to("meta").transforms], StandardNormal(4))
        assert built.loss(x).is_meta


@pytest.mark.parametrize("make", [RealNVP, MAF, IAF])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dtypes_and_batches(make, dtype):
    flow = make(4, 2, (8,)).to(dtype)
    x = torch.randn(2, 3, 4).to(dtype)
    assert flow.log_prob(x).shape == (2, 3)
    assert flow.log_prob(x).dtype == flow.sample(5).dtype == dtype
    assert torch.equal(flow.log_prob(x)[1, 2], flow.log_prob(x[1, 2]))
    z, log_det = flow.inverse(x)
    assert z.shape == x.shape
    assert log_det.shape == (2, 3)
    assert flow(x[:0, 0])[0].shape == flow.inverse(x[:0, 0])[0].shape == (0, 4)
    flow.loss(x[0]).backward()
    assert all(p.grad.isfinite().all() for p in flow.parameters() if p.grad is not None)


def test_a_generator_decides_alone():
    flow = RealNVP(3)
    torch.manual_seed(0)
    a = flow.sample(4, generator=torch.Generator().manual_seed(5))
    state = torch.get_rng_state()
    b = flow.sample(4, generator=torch.Generator().manual_seed(5))
    assert torch.equal(a, b)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(5)
    assert torch.equal(flow.sample(4), a)


def test_maf_of_one_dimension_is_affine():
    flow = random(MAF(1, 2))
    x = torch.linspace(-2, 2, 5).double()[:, None]
    z, log_det = flow(x)
    close(z.diff(dim=0), z.diff(dim=0)[:1].expand(4, 1))
    close(log_det, (z[1] - z[0]).log().expand(5))


def test_worked_examples():
    """Of the lectures: a coupling, and x = A z + b."""
    layer = AffineCoupling(2, hidden=()).double()
    with torch.no_grad():
        layer.net[0].bias.copy_(torch.tensor([3 * math.atanh(0.5 / 3), -1.0]))  # s = 0.5, t = -1
    flow = Flow([layer], StandardNormal(2)).double()
    x = torch.tensor([[1.0, 2.0]]).double()
    close(flow(x)[0], torch.tensor([[1.0, 2.29744]]), 1e-5)
    close(flow.log_prob(x), torch.tensor([-4.47700]), 1e-5)
    a = torch.tensor([[2.0, 1.0], [0.0, 3.0]])
    p = Flow([InvertibleLinear(2, torch.linalg.inv(a))], StandardNormal(2)).log_prob(torch.tensor([[2.0, 3.0]])).exp()
    close(p, torch.tensor([0.0141983]), 1e-7)  # at (3, 5) with b = (1, 2)


def test_training_lowers_the_loss():
    for make in (RealNVP, MAF, IAF):
        torch.manual_seed(0)
        x = torch.randn(400, 1) * torch.tensor([1.0, 0.5]) + torch.randn(400, 2) * 0.1
        curve = train(make(2, 2, (16,)), x, steps=60, batch_size=100, lr=1e-2).curves["loss"]
        assert curve[-1] < curve[0] - 0.5


# Bad input: the sentence names the argument


@pytest.mark.parametrize("name", [*transforms(module), "MADE"])
def test_sizes_and_dtypes_that_do_not_fit(name):
    part = transforms(module).get(name, MADE(D))
    for bad in (torch.zeros(3, D + 1), torch.zeros(3, 1), torch.zeros(()), torch.zeros(3, D, dtype=torch.long)):
        with pytest.raises(ValueError, match="^[xz] has shape"):
            part(bad)
        if name != "MADE":
            with pytest.raises(ValueError, match="^[xz] has shape"):
                part.inverse(bad)


@given(st.integers(max_value=1))
def test_too_small_to_split(dim):
    for make in (AffineCoupling, RealNVP):
        with pytest.raises(ValueError, match=f"^dim is {dim};"):
            make(dim)


@given(st.lists(st.booleans(), max_size=8))
def test_masks(mask):
    tensor = torch.tensor(mask, dtype=torch.bool)
    if len(mask) == 4 and len(set(mask)) == 2:
        z, _ = random(AffineCoupling(4, tensor, (5,)))(data(dim=4))
        assert torch.equal((z == data(dim=4)).all(0), tensor)
    else:
        with pytest.raises(ValueError, match="^mask is"):
            AffineCoupling(4, tensor)


@given(st.integers(-2, 6), st.lists(st.integers(1, 7), max_size=3))
def test_degrees_that_are_missing(dim, hidden):
    if dim >= 1 and hidden and min(hidden) >= dim - 1:
        assert MADE(dim, hidden)(torch.zeros(2, dim))[0].shape == (2, dim)
    else:
        with pytest.raises(ValueError, match="^dim is .*hidden is"):
            MADE(dim, hidden)


@pytest.mark.parametrize("order", [[0, 0, 1], [1, 2, 3], [0, 1], [0, 1, 2, 3]])
def test_orders(order):
    with pytest.raises(ValueError, match="^order is"):
        MADE(3, order=order)
    if sorted(order) != list(range(len(order))):
        with pytest.raises(ValueError, match="^order is"):
            Permutation(order)


WEIGHTS = torch.ones(3, 3), torch.zeros(3, 3), torch.eye(2), torch.ones(3), torch.eye(3).long(), math.nan * torch.eye(3)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_linear_maps_that_cannot_be_inverted(weight):
    with pytest.raises(ValueError, match="^weight is"):
        InvertibleLinear(3, weight)


@given(st.floats(allow_nan=True))
def test_outside_the_logit(value):
    layer, x = Logit(), torch.tensor([[0.2, value]], dtype=torch.float64)
    if 0 <= value <= 1:
        assert layer(x)[0].isfinite().all()
    else:
        with pytest.raises(ValueError, match="^x has values outside"):
            layer(x)
    for end in (0.0, 1.0):
        with pytest.raises(ValueError, match="^x has values outside"):
            Logit(0.0)(torch.tensor([end]))
    if not 0 <= value < 0.5:
        with pytest.raises(ValueError, match="^alpha is"):
            Logit(value)


def test_levels():
    for bad in ([17], [-1], [0.5], [math.nan]):
        with pytest.raises(ValueError, match="^levels has"):
            dequantize(torch.tensor(bad), 17)
    for dim, n_levels in ((0, 17), (-1, 17), (64, 0)):
        with pytest.raises(ValueError, match="^dim is"):
            bits_per_dim(1.0, dim, n_levels)


def test_no_layers_and_a_base_alone():
    z, log_det = Flow([], StandardNormal(3))(torch.zeros(2, 3))
    assert z.shape == (2, 3)
    assert log_det.shape == (2,)
    with pytest.raises(ValueError, match="^z has shape"):
        StandardNormal(3).log_prob(torch.zeros(2, 1))


@given(st.integers(max_value=0))
def test_counts_below_one(n):
    with pytest.raises(ValueError, match="^n is"):
        RealNVP(2).sample(n)
    with pytest.raises(ValueError, match="^x has no examples"):
        RealNVP(2).loss(torch.zeros(0, 2))


# Recipes and the kept models


@pytest.mark.parametrize("name", recipes.FLOWS)
def test_recipe_runs(name, monkeypatch):
    monkeypatch.setenv("GM_PROFILE", "smoke")
    run = recipes.RECIPES[name](seed=0)
    history = run.start()
    assert run.steps == 20
    assert history.curves["loss"][-1] < history.curves["loss"][0]
    assert all(math.isfinite(v) for v in run.figures(history.ema).values())


@pytest.fixture(scope="module")
def kept():
    """{name: figures}, computed anew from the kept weights."""
    runs = {name: make(0) for name, make in recipes.FLOWS.items()}
    return {name: run.figures(load_checkpoint(name, run.model)) for name, run in runs.items()}


@pytest.mark.parametrize("name", recipes.FLOWS)
def test_card_says_what_the_weights_do(name, kept):
    card = json.loads((ROOT / "checkpoints" / f"{name}.json").read_text())
    assert f"train {name} " in card["command"]
    for figure, value in kept[name].items():
        assert value == pytest.approx(card["figures"][figure], rel=1e-3, abs=1e-3), figure


def test_what_the_lectures_say_of_the_kept_models(kept):
    """Each with the margin that seeds 0, 1 and 2 keep."""
    for name in ("flow-moons", "flow-moons-small", "maf-moons"):
        assert -0.005 < kept[name]["excess, an estimate of KL(moons || model)"] < 0.05
    bits = {name.removeprefix("bits per dimension, "): v for name, v in kept["flow-digits"].items()}
    assert bits["test"] < bits["test, full-covariance Gaussian"] - 0.2
    assert bits["test, full-covariance Gaussian"] < bits["test, diagonal Gaussian"] < math.log2(17)


def test_kept_digits_are_in_the_unit_interval():
    """But for the margin of the logit: alpha / (1 - 2 alpha) on either side."""
    run = recipes.flow_digits(0)
    x = load_checkpoint("flow-digits", run.model).sample(100, generator=torch.Generator().manual_seed(0))
    assert x.shape == (100, 64)
    assert (x > -0.056).all()
    assert (x < 1.056).all()
    assert isinstance(run.model.transforms[0], Logit)
    assert bits_per_dim(run.model.loss(run.data[:500]), 64, 17) < 2.2
    assert bounded(torch.tensor(0.0)) == 0
    assert isinstance(IAF(2).transforms[0], Inverse)
    assert isinstance(MAF(2).transforms[0], MaskedAutoregressive)
