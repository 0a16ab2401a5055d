"""The VAE against its closed forms, and a museum of bugs: each property holds for the code and fails for a mutant.

The oracle is the linear-Gaussian model: z ~ N(0, I), x|z ~ N(W z + b, s I), so p(x) = N(b, W W' + s I) and the
posterior N(M W' (x - b) / s, M) with M = (I + W' W / s)^-1 are exact, and diagonal where W's columns are orthogonal.
"""

import json
import math

import pytest
import torch
from conftest import mutated
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence

from gm_utils import recipes
from gm_utils.information import diagonal_gaussian_kl, gaussian_kl
from gm_utils.models import vae as module
from gm_utils.models.vae import (
    VAE,
    Autoencoder,
    conv_decoder,
    conv_encoder,
    interpolate,
    mlp,
    mlp_decoder,
    mlp_encoder,
    reparameterize,
    slerp,
)
from gm_utils.runtime import ROOT
from gm_utils.training import train
from gm_utils.weights import load_checkpoint

D, Z, S = 5, 2, 0.3  # pixels, latent dimensions, observation variance


def weights():
    """W with orthogonal columns (D, Z), b (D,)."""
    g = torch.Generator().manual_seed(1)
    q, _ = torch.linalg.qr(torch.randn(D, Z, generator=g, dtype=torch.float64))
    return q * torch.tensor([1.5, 0.7], dtype=torch.float64), torch.randn(D, generator=g, dtype=torch.float64)


def data(n=6):
    return torch.randn(n, D, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def linear_vae(Model, *, exact, noise_var=S, **options):
    """The linear model; its encoder is the exact posterior, or one that is off in means and variances."""
    w, b = weights()
    model = Model(nn.Linear(D, 2 * Z), nn.Linear(Z, D), Z, likelihood="gaussian", noise_var=noise_var, **options)
    m = torch.linalg.inv(torch.eye(Z, dtype=torch.float64) + w.T @ w / S)
    a = m @ w.T / S
    model.double()
    with torch.no_grad():
        model.decoder.weight.copy_(w)
        model.decoder.bias.copy_(b)
        model.encoder.weight.copy_(torch.cat([a if exact else 0.8 * a, torch.zeros(Z, D, dtype=torch.float64)]))
        model.encoder.bias.copy_(torch.cat([-a @ b, m.diagonal().log() + (0.0 if exact else 0.5)]))
    return model


def log_p(x):
    w, b = weights()
    return MultivariateNormal(b, w @ w.T + S * torch.eye(D, dtype=torch.float64)).log_prob(x)


def exact_terms(model, x):
    """E_q[log p(x|z)] (n,) in closed form, KL to the prior (n,): differentiable, without any draw."""
    mean, log_var = model.encoder(x).chunk(2, 1)
    out, w = model.decoder(mean), model.decoder.weight
    spread = (log_var.exp() * w.square().sum(0)).sum(-1)  # tr(W diag(v) W')
    log_likelihood = -((x - out).square().sum(-1) + spread) / (2 * S) - D / 2 * math.log(2 * math.pi * S)
    return log_likelihood, diagonal_gaussian_kl(mean, log_var)


def close(got, expected, tol=1e-9):
    assert (got - expected).abs().max() <= tol, (got, expected)


def agree(draws, expected):
    """The mean of independent draws (m, ...) is `expected` within 5 standard errors, which are not 0."""
    error = draws.std(0) / len(draws) ** 0.5
    assert (error > 0).all()
    assert ((draws.mean(0) - expected).abs() <= 5 * error).all(), (draws.mean(0), expected, error)


# Properties: functions of the model's class, so that the mutants below can be shown to break them


def importance_weights_are_exact(Model):
    """With the true posterior as proposal, one draw gives log p(x): zero variance."""
    x, model = data(), linear_vae(Model, exact=True)
    for k in (1, 7):
        close(model.iwae_bound(x, k), log_p(x))


def iwae_rises(Model):
    x, model = data(), linear_vae(Model, exact=False)
    torch.manual_seed(0)
    draws = torch.stack([model.iwae_bound(x.repeat(4000, 1), k).view(4000, -1).mean(1) for k in (1, 4, 16)], 1)
    agree(draws[:, 0], (exact_terms(model, x)[0] - exact_terms(model, x)[1]).mean().detach())
    steps = draws.diff(dim=1)
    assert (steps.mean(0) > 3 * steps.std(0) / 4000**0.5).all()
    assert draws[:, -1].mean() < log_p(x).mean() + 3 * draws[:, -1].std() / 4000**0.5


def terms_are_unbiased(Model):
    x, model = data(), linear_vae(Model, exact=False)
    torch.manual_seed(0)
    log_likelihood, kl = model.elbo_terms(x.repeat(4000, 1))
    expected, expected_kl = exact_terms(model, x)
    agree(log_likelihood.view(4000, -1), expected)
    close(kl.sum(1)[: len(x)], expected_kl)


def elbo_is_unbiased(Model):
    """For every beta: the bound knows none. Draws of separate calls are independent."""
    x, model = data(), linear_vae(Model, exact=False, beta=3.0)
    torch.manual_seed(0)
    log_likelihood, kl = exact_terms(model, x)
    agree(torch.stack([model.elbo(x, n_samples=5) for _ in range(400)]), log_likelihood - kl)


def gap_is_the_kl_to_the_posterior(Model):
    """log p(x) = E_q[log p(x|z)] - KL to the prior + KL to the posterior, the two KLs from different code."""
    x, model = data(), linear_vae(Model, exact=False)
    mean, log_var = model.encode(x)
    w, b = weights()
    m = torch.linalg.inv(torch.eye(Z, dtype=torch.float64) + w.T @ w / S)
    gap = gaussian_kl(mean, torch.diag_embed(log_var.exp()), (x - b) @ w @ m / S, m.expand(len(x), Z, Z))
    close(exact_terms(model, x)[0] - model.elbo_terms(x)[1].sum(1) + gap, log_p(x))


def kl_is_that_of_torch(Model):
    x, model = data(), linear_vae(Model, exact=False)
    mean, log_var = model.encoder(x).chunk(2, 1)
    expected = kl_divergence(Normal(mean, log_var.div(2).exp()), Normal(torch.zeros_like(mean), 1.0))
    close(model.elbo_terms(x)[1], expected)


def sharp(Model, decoder, latent_dim, **options):
    """A model whose posterior has no width, so that nothing is random in it."""
    model = Model(mlp_encoder(6, latent_dim), decoder, latent_dim, **options).double()
    with torch.no_grad():
        last = model.encoder[-1][-1]
        last.weight[latent_dim:] = 0
        last.bias[latent_dim:] = -200
    return model


def likelihood_is_that_of_torch(Model):
    torch.manual_seed(0)
    x = torch.rand(4, 1, 2, 3, dtype=torch.float64)
    for kind, options in (("bernoulli", {}), ("gaussian", {"noise_var": 0.07})):
        model = sharp(Model, mlp_decoder((1, 2, 3), 2), 2, likelihood=kind, **options)
        target = x.round() if kind == "bernoulli" else x
        out = model.decoder(model.encoder(target)[:, :2])
        law = Bernoulli(logits=out) if kind == "bernoulli" else Normal(out, 0.07**0.5)
        close(model.elbo_terms(target, n_samples=3)[0], Independent(law, 3).log_prob(target))


def loss_is_minus_elbo(Model):
    """In evaluation mode, draw for draw; and beta weighs the KL alone."""
    x, model = data(), linear_vae(Model, exact=False, noise_var="calibrated").eval()
    torch.manual_seed(3)
    log_likelihood, kl = (t.sum(-1).mean() if t.ndim > 1 else t.mean() for t in model.elbo_terms(x))
    for beta in (1.0, 0.0, 4.0):
        torch.manual_seed(3)
        model.beta = beta
        close(model.loss(x), beta * kl - log_likelihood)


def gradient_is_unbiased(Model):
    """The pathwise estimate of every gradient against autograd through the closed form."""
    x, model = data(2), linear_vae(Model, exact=False)
    torch.manual_seed(0)
    parameters = tuple(model.parameters())
    log_likelihood, kl = exact_terms(model, x)
    expected = torch.autograd.grad((kl - log_likelihood).mean(), parameters)
    draws = [torch.autograd.grad(model.loss(x.repeat(200, 1)), parameters) for _ in range(100)]
    for i, gradient in enumerate(expected):
        agree(torch.stack([d[i] for d in draws]), gradient)


def calibrated_loss_is_profiled(Model):
    """Value and gradient are those of D/2 log(2 pi e MSE) + KL, with the gradient going through the MSE."""
    x, model = data(), linear_vae(Model, exact=False, noise_var="calibrated").train()
    parameters = tuple(model.parameters())
    for repeat in range(3):  # also when an average is kept already
        torch.manual_seed(repeat)
        loss = model.loss(x)
        torch.manual_seed(repeat)
        mean, log_var = model.encoder(x).chunk(2, 1)
        z = mean + log_var.div(2).exp() * torch.randn_like(mean)
        error = (x - model.decoder(z)).square().mean()
        profiled = D / 2 * torch.log(2 * math.pi * math.e * error) + diagonal_gaussian_kl(mean, log_var).mean()
        close(loss, profiled)
        for a, b in zip(*(torch.autograd.grad(v, parameters) for v in (loss, profiled)), strict=True):
            close(a, b)


def noise_is_tracked(Model):
    """Trained for 60 epochs, a calibrated variance is that of the residuals; a learned one is far behind."""
    torch.manual_seed(0)
    x = 0.1 * torch.randn(200, 6) + torch.randn(200, 1)
    model = Model(mlp_encoder(6, 1, (16,)), mlp_decoder(6, 1, (16,)), 1, likelihood="gaussian")
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        for batch in x[torch.randperm(200)].split(50):
            optimizer.zero_grad()
            model.loss(batch).backward()
            optimizer.step()
    with torch.no_grad():
        error = (x - model.decode(reparameterize(*model.encode(x)))).square().mean()
    assert 1 / 1.3 < model.noise_var / error < 1.3, (model.noise_var, error)


def neighbours_do_not_matter(Model):
    x = torch.rand(5, 6, dtype=torch.float64)
    x[3] += 100
    for training in (True, False):
        model = sharp(Model, mlp_decoder(6, 2), 2, likelihood="gaussian").train(training)
        close(model.elbo(x)[:1], model.elbo(x[:1]), 1e-6)


def samples_have_the_moments_of_p(Model):
    w, b = weights()
    x = linear_vae(Model, exact=True).sample(40_000, generator=torch.Generator().manual_seed(0))
    agree(x, b)
    centred = x - b
    agree(centred.unsqueeze(1) * centred.unsqueeze(2), w @ w.T + S * torch.eye(D, dtype=torch.float64))
    torch.manual_seed(0)
    model = Model(mlp_encoder(6, 2), mlp_decoder(6, 2), 2)
    binary = model.sample(20_000)
    assert set(binary.unique().tolist()) == {0.0, 1.0}
    agree(binary, model.mean(torch.randn(20_000, 2)).mean(0).detach())


def calibrate_maximises_the_elbo(Model):
    x, model = data(200), linear_vae(Model, exact=False, noise_var="calibrated").eval()
    model.calibrate(x, generator=torch.Generator().manual_seed(0))
    best = model.noise_var.clone()
    model.calibrate(x, generator=torch.Generator().manual_seed(0))
    close(model.noise_var, best)
    values = []
    for factor in (0.9, 1.0, 1.1):
        model.mean_squared_error.copy_(factor * best)
        values.append(model.elbo(x, generator=torch.Generator().manual_seed(0)).mean())
    assert values[0] < values[1] > values[2]


PROPERTIES = [
    importance_weights_are_exact, iwae_rises, terms_are_unbiased, elbo_is_unbiased, gap_is_the_kl_to_the_posterior,
    kl_is_that_of_torch, likelihood_is_that_of_torch, loss_is_minus_elbo, gradient_is_unbiased,
    calibrated_loss_is_profiled, noise_is_tracked, neighbours_do_not_matter, samples_have_the_moments_of_p,
    calibrate_maximises_the_elbo,
]  # fmt: skip


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda f: f.__name__)
def test_property(holds):
    holds(VAE)


def mutant(old, new):
    return mutated(module, old, new).VAE


RECONSTRUCTION = "-0.5 * (squares.sum(-1) / noise_var + squares.shape[-1] * (log_var + math.log(2 * math.pi)))"
DRAW = "mean + (0.5 * log_var).exp() * draw(torch.randn, mean.shape"
LOSS = "(self.beta * diagonal_gaussian_kl(mean, log_var) - log_likelihood)"
BOUND = "return log_likelihood - kl.sum(-1)"
MUSEUM = {  # name: what stands in the module, what stands there in the mutant, the properties that fail
    "exp(log_var) as the standard deviation": (
        DRAW, DRAW.replace("(0.5 * log_var)", "log_var"),
        [terms_are_unbiased, elbo_is_unbiased, gradient_is_unbiased]),
    "exp(log_var) as the standard deviation in the IWAE bound": (
        "z = mean + (0.5 * log_var).exp() * noise", "z = mean + log_var.exp() * noise",
        [importance_weights_are_exact, iwae_rises]),
    "mean over pixels": (
        RECONSTRUCTION, "-0.5 * (squares.mean(-1) / noise_var + log_var + math.log(2 * math.pi))",
        [terms_are_unbiased, likelihood_is_that_of_torch, gradient_is_unbiased, calibrated_loss_is_profiled]),
    "mean over pixels, Bernoulli": (
        "-nll.flatten(lead + 1).sum(-1)", "-nll.flatten(lead + 1).mean(-1)", [likelihood_is_that_of_torch]),
    "no normaliser": (
        RECONSTRUCTION, "-0.5 * squares.sum(-1) / noise_var",
        [terms_are_unbiased, likelihood_is_that_of_torch, importance_weights_are_exact]),
    "standard deviation for variance": (
        "squares.sum(-1) / noise_var +", "squares.sum(-1) / noise_var**0.5 +",
        [likelihood_is_that_of_torch, terms_are_unbiased]),
    "KL's sign in the bound": (BOUND, "return log_likelihood + kl.sum(-1)", [elbo_is_unbiased]),
    "KL's sign in the loss": (
        LOSS, LOSS.replace("self.beta", "-self.beta"), [loss_is_minus_elbo, gradient_is_unbiased]),
    "beta in the bound": (BOUND, "return log_likelihood - self.beta * kl.sum(-1)", [elbo_is_unbiased]),
    "beta on the likelihood": (
        LOSS, "(diagonal_gaussian_kl(mean, log_var) - self.beta * log_likelihood)", [loss_is_minus_elbo]),
    "KL averaged over dimensions": (
        LOSS, LOSS.replace(" -", " / self.latent_dim -"), [loss_is_minus_elbo, gradient_is_unbiased]),
    "sum over the batch": (
        LOSS + ".mean()", LOSS + ".sum()",
        [loss_is_minus_elbo, gradient_is_unbiased, calibrated_loss_is_profiled]),
    "noise drawn once": (
        "generator=generator, dtype=like.dtype, device=device).to",
        "generator=generator or torch.Generator().manual_seed(0), dtype=like.dtype, device=device).to",
        [elbo_is_unbiased, gradient_is_unbiased]),
    "no gradient through the scale of the noise": (
        DRAW, DRAW.replace(".exp()", ".exp().detach()"), [gradient_is_unbiased]),
    "no gradient through the draw": (
        "self.decode(reparameterize(mean, log_var))", "self.decode(reparameterize(mean, log_var).detach())",
        [gradient_is_unbiased]),
    "encoder's halves exchanged": (
        "return out[:, : self.latent_dim], out[:, self.latent_dim :]",
        "return out[:, self.latent_dim :], out[:, : self.latent_dim]",
        [importance_weights_are_exact, kl_is_that_of_torch]),
    "lagging log-variance": (
        'noise_var: str | float = "calibrated",', 'noise_var: str | float = "learned",', [noise_is_tracked]),
    "the average, not the batch's optimum, in the loss": (
        "        return error\n", "        return self.mean_squared_error\n", [calibrated_loss_is_profiled]),
    "an average over the whole run": ("self.n_batches.clamp(max=20)", "self.n_batches", [noise_is_tracked]),
    "evaluation by the batch's own error": (
        "if calibrate else self.noise_var", "if self.noise == 'calibrated' else self.noise_var",
        [neighbours_do_not_matter, calibrate_maximises_the_elbo]),
    "mean of log-weights": (".logsumexp(0) - math.log(k)", ".mean(0)", [iwae_rises]),
    "weights summed": (".logsumexp(0) - math.log(k)", ".logsumexp(0)", [importance_weights_are_exact]),
    "q's density without its log-variance": (
        "(noise.square() + log_var - z.square())", "(noise.square() - z.square())",
        [importance_weights_are_exact]),
    "samples without observation noise": (
        "return mean + self.noise_var**0.5 *", "return mean + 0 *", [samples_have_the_moments_of_p]),
    "samples with the variance as the scale": (
        "return mean + self.noise_var**0.5 *", "return mean + self.noise_var *", [samples_have_the_moments_of_p]),
    "grey samples of a Bernoulli": (
        "(draw(torch.rand, mean.shape, mean, generator) < mean).to(mean.dtype)", "mean",
        [samples_have_the_moments_of_p]),
    "calibration by the sum": (
        "(x - out).square().mean())\n\n", "(x - out).square().sum(1).mean())\n\n",
        [calibrate_maximises_the_elbo]),
}  # fmt: skip
CASES = [(name, prop) for name, (_, _, caught_by) in MUSEUM.items() for prop in caught_by]


@pytest.mark.parametrize(("name", "catches"), CASES, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_museum_of_bugs(name, catches):
    old, new, _ = MUSEUM[name]
    with pytest.raises(AssertionError):
        catches(mutant(old, new))


# Dtypes, devices, draws


def models(dtype=torch.float32, device="cpu"):
    for options in (
        {}, {"likelihood": "gaussian"}, {"likelihood": "gaussian", "noise_var": "learned"},
        {"likelihood": "gaussian", "noise_var": 0.1},
    ):  # fmt: skip
        yield VAE(mlp_encoder(64, 3), mlp_decoder((1, 8, 8), 3), 3, **options).to(device, dtype)
    yield Autoencoder(mlp_encoder(64, 3), mlp_decoder((1, 8, 8), 3), 3).to(device, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_every_dtype(dtype):
    x = torch.rand(4, 1, 8, 8).round().to(dtype)
    for model in models(dtype):
        loss = model.loss(x)
        loss.backward()
        assert loss.dtype == dtype
        assert loss.isfinite()
        assert all(p.grad.isfinite().all() for p in model.parameters())
        if isinstance(model, VAE):
            out = (*model.elbo_terms(x), model.elbo(x), model.iwae_bound(x, 3), model.sample(2))
            assert all(t.dtype == dtype and t.isfinite().all() for t in out)


def test_low_precision_is_close_to_double():
    x = torch.rand(16, 1, 8, 8).round()
    model = VAE(mlp_encoder(64, 3), mlp_decoder((1, 8, 8), 3), 3).eval()
    exact = model.double().elbo(x.double(), n_samples=200).mean()
    assert abs(model.bfloat16().elbo(x.bfloat16(), n_samples=200).mean() - exact) < 0.02 * abs(exact)


def test_loss_and_sample_look_at_no_value():
    x = torch.empty(4, 1, 8, 8, device="meta")
    for model in models(device="meta"):
        assert model.loss(x).device.type == "meta"
        if isinstance(model, VAE):
            for bound in (model.loss(x), model.elbo(x), model.iwae_bound(x, 3)):
                assert bound.device.type == "meta"
            assert model.sample(2).shape == (2, 1, 8, 8)
            assert model.sample(2, generator=torch.Generator().manual_seed(0)).device.type == "meta"
    z = torch.empty(3, 2, device="meta")
    assert interpolate(z, z, 4, spherical=True).device.type == "meta"
    conv = VAE(conv_encoder(4, 8), conv_decoder(4, 8), 4).to("meta")
    assert conv.loss(torch.empty(2, 1, 28, 28, device="meta")).shape == ()


def test_no_tensor_is_made_on_the_default_device():
    """The default is another device here; a tensor that was made on it could not be mixed with the model's."""
    x = torch.rand(4, 1, 8, 8).round()
    for model in models():
        with torch.device("meta"):
            results = [model.loss(x)]
            if isinstance(model, VAE):
                results += [model.elbo(x), model.iwae_bound(x, 3), model.sample(2)]
                results += [interpolate(model.encode(x)[0], model.encode(x)[0], 3, True)]
        assert all(r.device.type == "cpu" and r.isfinite().all() for r in results)


def test_generator_decides_every_draw():
    x = torch.rand(4, 1, 8, 8).round()
    for model in models():
        if isinstance(model, VAE):
            for draw in (
                lambda g, m=model: m.sample(3, generator=g), lambda g, m=model: m.elbo(x, generator=g),
                lambda g, m=model: m.iwae_bound(x, 2, generator=g),
            ):  # fmt: skip
                state = torch.random.get_rng_state()
                a, b, c = (draw(torch.Generator().manual_seed(s)) for s in (0, 0, 1))
                assert torch.equal(a, b)
                assert not torch.equal(a, c)
                assert torch.equal(state, torch.random.get_rng_state())


def test_autocast_and_buffers():
    model = VAE(mlp_encoder(64, 3), mlp_decoder(64, 3), 3, likelihood="gaussian")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.loss(torch.rand(4, 64))
    loss.backward()
    assert loss.isfinite()
    assert not model.noise_var.requires_grad
    assert model.noise_var.dtype == torch.float32
    assert set(model.state_dict()) > {"mean_squared_error", "n_batches"}
    twin = VAE(mlp_encoder(64, 3), mlp_decoder(64, 3), 3, likelihood="gaussian")
    twin.load_state_dict(model.state_dict())
    assert twin.noise_var == model.noise_var != 1


def test_evaluation_changes_nothing():
    model = VAE(mlp_encoder(64, 3), mlp_decoder(64, 3), 3, likelihood="gaussian")
    x = torch.rand(4, 64)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.elbo(x), model.iwae_bound(x, 2), model.sample(2), model.eval().loss(x)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    model.train().loss(x)
    assert model.n_batches == 1
    assert model.noise_var != before["mean_squared_error"]


def test_no_graph_outlives_a_call():
    model = small(likelihood="gaussian", noise_var="calibrated")
    x = torch.rand(4, 6)
    model.loss(x)
    model.calibrate(x)
    assert not model.noise_var.requires_grad
    assert not model.sample(2).requires_grad
    assert small(likelihood="gaussian", noise_var="learned").noise_var.requires_grad


def test_learned_variance_starts_at_summed_squares():
    assert small(likelihood="gaussian", noise_var="learned").noise_var.item() == pytest.approx(0.5)


def test_autoencoder_is_least_squares_on_the_means():
    model = Autoencoder(mlp_encoder(6, 2, (16, 32)), mlp_decoder((2, 3), 2, (16, 32)), 2)
    x = torch.rand(5, 2, 3)
    out = model.decoder(model.encoder(x)[:, :2])
    close(model.loss(x), (out - x).pow(2).sum((1, 2)).mean(), 1e-5)
    assert model.encode(x).shape == (5, 2)
    widths = [[m.out_features for m in net.modules() if isinstance(m, nn.Linear)] for net in model.children()]
    assert widths == [[16, 32, 4], [32, 16, 6]]


def test_kl_agrees_with_the_book():
    """C-vae: 3.593508 for mean (0.5, -1, 2), sd (0.3, 1, 1.5); per dimension 0.873973, 0.5, 2.219535."""
    mean, sd = torch.tensor([[0.5, -1.0, 2.0]]).double(), torch.tensor([[0.3, 1.0, 1.5]]).double()
    encoder = mlp(4, 6).double()
    with torch.no_grad():
        encoder[0].weight.zero_()
        encoder[0].bias.copy_(torch.cat([mean, 2 * sd.log()], 1)[0])
    model = VAE(encoder, mlp(3, 4).double(), 3, likelihood="gaussian")
    kl = model.elbo_terms(torch.zeros(1, 4).double())[1]
    close(kl, torch.tensor([[0.873973, 0.5, 2.219535]]), 1e-6)


def test_calculation_of_question_9():
    """z ~ N(0, 1), x|z ~ N(2z, 1), x = 3, q = N(1, 1/4): ELBO -2.737086, log p(x) -2.623657."""
    model = VAE(nn.Linear(1, 2), nn.Linear(1, 1, bias=False), 1, likelihood="gaussian", noise_var=1.0)
    model.double()
    with torch.no_grad():
        model.decoder.weight.fill_(2)
        model.encoder.weight.zero_()
        model.encoder.bias.copy_(torch.tensor([1.0, math.log(0.25)]))
    x = torch.full((20_000, 1), 3.0, dtype=torch.float64)
    torch.manual_seed(0)
    agree(model.elbo(x), -2.737086)
    assert abs(model.iwae_bound(x[:4], 5000).mean() + 2.623657) < 5e-3


# Interpolation


def test_interpolation_ends():
    a, b = torch.randn(2, 5, 4).double()
    for spherical in (False, True):
        path = interpolate(a, b, 7, spherical)
        assert path.shape == (7, 5, 4)
        close(path[0], a, 1e-12)
        close(path[-1], b, 1e-12)


def test_straight_line_is_even_and_the_arc_keeps_norm_and_angle():
    g = torch.Generator().manual_seed(0)
    a, b = torch.nn.functional.normalize(torch.randn(2, 50, 6, generator=g).double(), dim=-1)
    close(interpolate(a, b, 5)[2], (a + b) / 2, 1e-12)
    path = interpolate(a, b, 9, spherical=True)
    close(path.norm(dim=-1), torch.ones(9, 50).double(), 1e-12)
    cosines = (path[1:] * path[:-1]).sum(-1)
    close(cosines, cosines[:1].expand_as(cosines), 1e-12)


def test_slerp_of_equal_and_near_codes_is_the_straight_line():
    a = torch.randn(8, 3)
    assert torch.equal(slerp(a, a, 0.3).isfinite(), torch.ones(8, 3, dtype=torch.bool))
    close(slerp(a, a, 0.3), a, 1e-6)
    close(slerp(a, a + 1e-6, 0.5), a, 1e-5)
    close(slerp(a, 2 * a, 0.5), 1.5 * a, 1e-5)


# Bad input: the sentence names the argument


def small(**options):
    return VAE(mlp_encoder(6, 2), mlp_decoder(6, 2), 2, **options)


@given(st.integers(max_value=0))
def test_counts_below_one(n):
    model = small()
    with pytest.raises(ValueError, match="k is"):
        model.iwae_bound(torch.rand(2, 6), n)
    with pytest.raises(ValueError, match="n is"):
        model.sample(n)
    with pytest.raises(ValueError, match="latent_dim is"):
        VAE(mlp_encoder(6, 2), mlp_decoder(6, 2), n)
    with pytest.raises(ValueError, match="steps is"):
        interpolate(torch.zeros(2), torch.ones(2), n)


@given(st.one_of(st.floats(max_value=0), st.just(math.inf), st.just(math.nan), st.text(max_size=8)))
def test_noise_that_is_no_variance(noise_var):
    if noise_var not in ("calibrated", "learned"):
        with pytest.raises(ValueError, match="noise_var is"):
            small(likelihood="gaussian", noise_var=noise_var)


@given(st.one_of(st.floats(max_value=-1e-300), st.just(math.nan)))
def test_beta_below_zero(beta):
    with pytest.raises(ValueError, match="beta is"):
        small(beta=beta)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 8))
def test_sizes_that_do_not_fit(width, latent, event):
    x = torch.rand(3, 6)
    if width != 4:
        with pytest.raises(ValueError, match="encoder returns"):
            VAE(mlp(6, width), mlp_decoder(6, 2), 2).loss(x)
    if latent != 2:
        with pytest.raises(ValueError, match="z has shape"):
            small().decode(torch.zeros(5, latent))
        with pytest.raises(ValueError, match="log_var has shape"):
            reparameterize(torch.zeros(5, 2), torch.zeros(5, latent))
        with pytest.raises(ValueError, match="z0"):
            interpolate(torch.zeros(2), torch.zeros(latent))
    if event != 6:
        for kind in ("bernoulli", "gaussian"):
            for bound in ("loss", "elbo"):
                model = VAE(mlp_encoder(6, 2), mlp_decoder(event, 2), 2, likelihood=kind)
                with pytest.raises(ValueError, match="decoder returns"):
                    getattr(model, bound)(x)


def test_pixels_are_not_paired_by_broadcasting():
    """A decoder of (1, 8, 8) and images (n, 64): broadcasting would sum over 64 x 64 pairs."""
    with pytest.raises(ValueError, match="decoder returns"):
        VAE(mlp_encoder(64, 2), mlp_decoder((1, 8, 8), 2), 2).loss(torch.rand(8, 64))


@pytest.mark.parametrize("x", [torch.zeros(3, 6, dtype=torch.long), torch.zeros(3, 6).double()])
def test_other_dtype(x):
    with pytest.raises(TypeError, match="x is"):
        small().loss(x)


def test_likelihoods():
    with pytest.raises(ValueError, match="likelihood is"):
        small(likelihood="poisson")
    with pytest.raises(ValueError, match="noise_var is"):
        small(noise_var=0.5)
    for model in (small(), small(likelihood="gaussian", noise_var=0.5)):
        with pytest.raises(ValueError, match="noise_var is"):
            model.calibrate(torch.rand(3, 6))


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    x = torch.rand(200, 1).expand(200, 6).contiguous()
    plain = Autoencoder(mlp_encoder(6, 2), mlp_decoder(6, 2), 2)
    for model in (small(likelihood="gaussian"), small(), plain):
        curve = train(model, x, steps=60, batch_size=50, lr=1e-2).curves["loss"]
        assert curve[-1] < curve[0]


# Recipes and the kept models


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if name == "ae" or name.startswith("vae")])
def test_recipe_runs(name, monkeypatch):
    monkeypatch.setenv("GM_PROFILE", "smoke")
    run = recipes.RECIPES[name](seed=0)
    curve = run.start().curves["loss"]
    assert run.steps == 20
    assert curve[-1] < curve[0]
    assert all(math.isfinite(v) for v in run.figures(run.model).values())


@pytest.fixture(scope="module")
def kept():
    """{name: figures}, computed anew from the kept weights."""
    runs = {name: make(0) for name, make in recipes.SMALL_VAES.items()}
    return {name: run.figures(load_checkpoint(name, run.model)) for name, run in runs.items()}


def test_ladder_rises_on_the_kept_models():
    """ELBO < IWAE-10 < IWAE-200 on the test digits, by more than 3 standard errors of the differences."""
    x = recipes.images.digits(split="test")[0]
    torch.manual_seed(0)
    for name in ("vae-calibrated-2", "vae-calibrated-8"):
        model = load_checkpoint(name, recipes.SMALL_VAES[name](0).model)
        with torch.no_grad():
            steps = torch.stack([model.iwae_bound(x, k) for k in (1, 10, 200)], 1).diff(dim=1)
        assert (steps.mean(0) > 3 * steps.std(0) / len(x) ** 0.5).all()


@pytest.mark.parametrize("name", recipes.SMALL_VAES)
def test_card_says_what_the_weights_do(name, kept):
    card = json.loads((ROOT / "checkpoints" / f"{name}.json").read_text())
    assert card["steps"] == 2250
    assert f"train {name} " in card["command"]
    for figure, value in kept[name].items():
        assert value == pytest.approx(card["figures"][figure], rel=1e-3, abs=1e-3), figure


def test_what_the_lecture_asserts_of_the_kept_models(kept):
    """Each with the margin that seeds 0, 1 and 2 keep."""
    elbo = [kept[f"vae-{n}"]["ELBO, test"] for n in ("calibrated-8", "learned", "sse", "pixel-mean")]
    assert all(a > b + 15 for a, b in zip(elbo, elbo[1:], strict=False))
    kl = {n: kept[f"vae-{n}"]["KL per image, train"] for n in ("calibrated-8", "sse", "pixel-mean")}
    assert kl["sse"] < 1
    assert kl["sse"] < kl["calibrated-8"] / 4
    assert kl["pixel-mean"] < 0.01
    squares = kept["vae-pixel-mean"]["squared error of the mean reconstruction, test"]
    assert squares > 0.95 * recipes.vae_sse(0).data.flatten(1).var(0).sum()
    assert kept["vae-learned"]["noise variance"] > 2 * kept["vae-learned"]["mean squared error, train"]
    calibrated = kept["vae-calibrated-8"]
    assert 0.95 < calibrated["noise variance"] / calibrated["mean squared error, train"] < 1.06
    assert kept["vae-no-kl"]["posterior sd"] < 0.02
    assert kept["vae-calibrated-8"]["posterior sd"] > 0.1


def test_an_empty_batch_is_refused_before_it_spoils_the_calibration():
    model = small(likelihood="gaussian")
    before = model.noise_var.clone()
    with pytest.raises(ValueError, match="^x has no examples"):
        model.loss(torch.zeros(0, 6))
    assert torch.equal(model.noise_var, before)
    with pytest.raises(ValueError, match="^n_samples is 0"):
        model.elbo(torch.zeros(2, 6), n_samples=0)
