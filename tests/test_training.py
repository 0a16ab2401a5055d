"""The training loop: known answers, turns, exact resumption, files that are whole, errors, the command line."""

import copy
import hashlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gm_utils import __main__ as command_line
from gm_utils import runtime, training, weights
from gm_utils.data.batches import batches_from
from gm_utils.training import Player, Run, train
from gm_utils.weights import load_checkpoint, save_checkpoint

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch):
    monkeypatch.setenv("GM_PROFILE", "cpu")


class Line(nn.Module):
    """Least squares, with noise on the inputs if asked."""

    def __init__(self, noise=0.0, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.line, self.noise = nn.Linear(3, 1), noise

    def loss(self, batch):
        x, y = batch
        if self.noise:
            self.drawn = torch.randn_like(x)
            x = x + self.noise * self.drawn
        return (self.line(x) - y).square().mean()


class Duel(nn.Module):
    """A small Wasserstein GAN with a gradient penalty, batch normalisation and noise of its own."""

    def __init__(self, crash_at=None, turns=2):
        super().__init__()
        torch.manual_seed(0)
        self.maker = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        self.critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1))
        self.calls, self.crash_at, self.turns = [], crash_at, turns

    def players(self):
        return [
            Player("critic", self.critic, self.critic_loss, lr=2e-3, betas=(0.0, 0.9), turns=self.turns),
            Player("maker", self.maker, self.maker_loss, lr=1e-3, betas=(0.5, 0.9)),
        ]

    def note(self, name, batch):
        self.calls.append((name, batch.clone(), copy.deepcopy(self.state_dict())))
        if self.crash_at is not None and len(self.calls) >= self.crash_at:
            raise KeyboardInterrupt

    def make(self, n):
        return self.maker(torch.randn(n, 2))

    def critic_loss(self, x):
        self.note("critic", x)
        fake = self.make(len(x)).detach().requires_grad_()
        score = self.critic(fake)
        (slope,) = torch.autograd.grad(score.sum(), fake, create_graph=True)
        return score.mean() - self.critic(x).mean() + 10 * (slope.norm(dim=1) - 1).square().mean()

    def maker_loss(self, x):
        self.note("maker", x)
        return -self.critic(self.make(len(x))).mean()


def line_data(n=64):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 3, generator=generator)
    return x, x @ torch.tensor([[1.0], [2.0], [3.0]]) + 0.1 * torch.randn(n, 1, generator=generator)


def same_state(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


# Known answers


def test_least_squares_reaches_the_normal_equations():
    x, y = line_data()
    model = Line()
    history = train(model, (x, y), steps=600, batch_size=64, lr=3e-2)
    exact = torch.linalg.lstsq(
        torch.cat([x, torch.ones(len(x), 1)], 1).double(), y.double()
    ).solution.flatten()
    found = torch.cat([model.line.weight.flatten(), model.line.bias])
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=1e-4)
    assert history.steps[-1] == 600
    assert history.curves["loss"][-1] < history.curves["loss"][0]


def test_the_first_step_of_adam_has_length_lr():
    model = Line()
    before = model.line.weight.detach().clone()
    gradient = torch.autograd.grad(model.loss(line_data()), model.line.weight)[0]
    train(model, line_data(), steps=1, batch_size=64, lr=0.01)
    torch.testing.assert_close(model.line.weight, before - 0.01 * gradient.sign(), atol=1e-6, rtol=0)


def test_it_is_the_loop_that_one_would_write():
    model, by_hand = Line().eval(), Line()
    model.players = lambda: [Player("loss", model, model.loss, lr=1e-2, betas=(0.5, 0.9))]
    history = train(model, line_data(), steps=25, batch_size=16)
    adam = torch.optim.Adam(by_hand.parameters(), lr=1e-2, betas=(0.5, 0.9))
    batches, losses = batches_from(line_data(), 16, 0, 0, slice(None), "cpu"), []
    for _ in range(25):
        loss = by_hand.loss(next(batches))
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    torch.testing.assert_close(model.line.weight, by_hand.line.weight)
    assert history.steps == [10, 20, 25]
    means = [sum(losses[a:b]) / (b - a) for a, b in ((0, 10), (10, 20), (20, 25))]
    assert history.curves["loss"] == pytest.approx(means, rel=1e-5)


def test_the_moving_average_is_its_formula():
    states, average = [], None
    for steps in (1, 2, 3, 4):
        model = Duel()
        history = train(model, torch.randn(40, 3, generator=torch.Generator().manual_seed(0)),
                        steps=steps, batch_size=8, ema=0.75)  # fmt: skip
        states.append(model.state_dict())
    for state in states:
        new = {name: value.double() for name, value in state.items()}
        average = new if average is None else {n: 0.75 * average[n] + 0.25 * new[n] for n in new}
    for name, value in history.ema.state_dict().items():
        if value.is_floating_point():  # weights and running means
            torch.testing.assert_close(value.double(), average[name], rtol=1e-5, atol=1e-7)
    assert not history.ema.training
    assert train(Line(), line_data(), steps=1).ema is None


def test_attributes_set_by_the_loss_reach_the_moving_average():
    class Shaped(Line):
        event_shape = None

        def loss(self, batch):
            self.event_shape = tuple(batch[0].shape[1:])
            return super().loss(batch)

    assert train(Shaped(), line_data(), steps=1, ema=0.9).ema.event_shape == (3,)


# Players


def test_players_take_turns_each_on_the_next_batch_and_move_their_own_weights_only():
    x = torch.arange(120.0).view(40, 3) / 120
    model = Duel(turns=3)
    train(model, x, steps=5, batch_size=8, seed=4)
    assert [name for name, _, _ in model.calls] == ["critic", "critic", "critic", "maker"] * 5
    batches = batches_from(x, 8, 4, 0, slice(None), "cpu")
    assert all(torch.equal(batch, next(batches)) for _, batch, _ in model.calls)
    after = [state for _, _, state in model.calls[1:]] + [model.state_dict()]
    for (name, _, old), new in zip(model.calls, after, strict=True):
        moved = {
            key.split(".")[0] for key, _ in model.named_parameters() if not torch.equal(old[key], new[key])
        }
        assert moved == {name}


def test_lr_of_a_player_holds_unless_train_is_given_one():
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
    for given_lr, critic_lr, maker_lr in ((None, 2e-3, 1e-3), (5e-4, 5e-4, 5e-4)):
        model, start = Duel(turns=1), Duel()
        train(model, x, steps=1, batch_size=8, lr=given_lr)
        for part, rate in (("critic.0.weight", critic_lr), ("maker.0.weight", maker_lr)):
            step = (model.state_dict()[part] - start.state_dict()[part]).abs().max().item()
            assert step == pytest.approx(rate, rel=0.02), (part, given_lr)  # Adam's first step


def test_frozen_and_unused_weights_stay():
    model = Line()
    model.unused, model.line.bias.requires_grad = nn.Linear(2, 2), False
    before = copy.deepcopy(model)
    train(model, line_data(), steps=3, lr=0.1)
    assert torch.equal(model.line.bias, before.line.bias)
    assert torch.equal(model.unused.weight, before.unused.weight)
    assert not torch.equal(model.line.weight, before.line.weight)


def test_the_model_is_left_in_evaluation_mode_without_gradients():
    model, modes = Duel().eval(), []
    model.critic.register_forward_hook(lambda module, *_: modes.append(module.training))
    train(model, torch.randn(16, 3), steps=1, batch_size=8)
    assert all(modes)
    assert not any(part.training for part in model.modules())
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize(
    ("players", "message"),
    [
        (lambda m: [], "expected at least one"),
        (lambda m: [Player("a", m, m.loss), Player("a", m, m.loss)], "each with its own name"),
        (lambda m: [Player("a", nn.Linear(1, 1), m.loss)], "all of the model's"),
        (lambda m: [Player("a", nn.ReLU(), m.loss)], "must have weights"),
        (lambda m: [Player("a", m, m.loss, turns=0)], "turns of player 'a' is 0"),
        (lambda m: [Player("a", m, lambda x: m.line(x[0]))], r"player 'a' has shape \(64, 1\)"),
    ],
)
def test_players_that_make_no_sense(players, message):
    model = Line()
    model.players = lambda: players(model)
    with pytest.raises(ValueError, match=message):
        train(model, line_data(), steps=2)


def test_a_model_without_a_loss():
    with pytest.raises(TypeError, match="players"):
        train(nn.Linear(1, 1), torch.zeros(4, 1), steps=1)


# Batches and noise


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 30), size=st.integers(1, 12), taken=st.integers(0, 40), seed=st.integers(0, 2**40))
def test_batches_are_the_same_wherever_one_begins(n, size, taken, seed):
    x = torch.arange(n)
    whole, late = (batches_from(x, size, seed, t, slice(None), "cpu") for t in (0, taken))
    for _ in range(taken):
        next(whole)
    for _ in range(5):
        assert torch.equal(next(whole), next(late))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(4, 40), size=st.integers(1, 4), world=st.integers(1, 4), as_list=st.booleans())
def test_a_pass_repeats_nothing_and_processes_share_each_batch(n, size, world, as_list):
    size = size * world
    x = torch.arange(n - n % world)
    if size > len(x):
        size = len(x)
    data = list(x.split(size)) if as_list else x
    one = batches_from(data, size, 3, 0, slice(None), "cpu")
    each = [batches_from(data, size, 3, 0, slice(rank, None, world), "cpu") for rank in range(world)]
    seen = []
    for _ in range(len(x) // size):
        batch, shares = next(one), [next(batches) for batches in each]
        assert len({len(share) for share in shares}) == 1
        assert sorted(batch.tolist()) == sorted(torch.cat(shares).tolist())
        seen += batch.tolist()
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("kind", ["tensor", "unsized"])
def test_each_pass_has_an_order_of_its_own(kind):
    batches = batches_from(KINDS[kind](), 8, 0, 0, slice(None), "cpu")
    passes = [torch.cat([next(batches) for _ in range(7)]) for _ in range(3)]
    assert all(torch.equal(rows.sort(0).values, ROWS) for rows in passes)
    assert not torch.equal(passes[0], passes[1])
    assert not torch.equal(passes[1], passes[2])


def test_a_new_pass_does_not_begin_the_noise_again():
    model, drawn = Line(noise=1.0), []
    loss = model.loss
    model.loss = lambda batch: (loss(batch), drawn.append(model.drawn))[0]
    train(model, [line_data(4)], steps=6)
    assert len({tuple(noise.flatten().tolist()) for noise in drawn}) == 6


def test_data_that_makes_no_sense():
    model = Line()
    x, y = line_data()
    with pytest.raises(ValueError, match="one length"):
        train(model, (x, y[:3]), steps=1)
    with pytest.raises(ValueError, match="at least 1"):
        train(model, (x[:0], y[:0]), steps=1)
    with pytest.raises(ValueError, match="iterated again"):
        train(model, iter([(x, y)]), steps=2)
    with pytest.raises(ValueError, match="no batch"):
        train(model, [], steps=1)
    with pytest.raises(ValueError, match="one a process"):
        next(batches_from([x[:1]], 1, 0, 0, slice(1, None, 2), "cpu"))


def test_the_seed_decides_and_the_global_generator_stays():
    results = []
    for before in (1, 2):
        model = Line(noise=0.5)
        torch.manual_seed(before)
        state = torch.get_rng_state()
        results.append(train(model, line_data(), steps=20, batch_size=16))
        assert torch.equal(torch.get_rng_state(), state)
    assert results[0] == results[1]
    assert train(Line(noise=0.5), line_data(), steps=20, batch_size=16, seed=1) != results[0]


# Resumption


def crash(model, data, folder, calls, **options):
    model.crash_at = calls
    with pytest.raises(KeyboardInterrupt):
        train(model, data, folder=folder, **options)


class Shifted(torch.utils.data.Dataset):
    """Each reading draws from the global generator, as augmentations do."""

    def __len__(self):
        return 56

    def __getitem__(self, i):
        return torch.tensor([i, i + 1.0, -i]) / 56 + 0.1 * torch.randn(3)


class Unsized:
    """Batches in an order drawn anew on each pass; how many there are is not known beforehand."""

    def __iter__(self):
        yield from ROWS[torch.randperm(len(ROWS))].split(8)


ROWS = torch.arange(168.0).view(56, 3) / 168  # 7 batches of 8: the state is written within a pass
KINDS = {
    "tensor": lambda: ROWS,
    "list": lambda: list(ROWS.split(8)),
    "unsized": Unsized,
    "loader": lambda: torch.utils.data.DataLoader(Shifted(), batch_size=8, shuffle=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_cut_off_goes_on_to_the_same_end(kind, tmp_path):
    """Bit for bit: weights, moving average, buffers, curves and log; crashes in the middle of a step."""
    options = {"steps": 65, "batch_size": 8, "ema": 0.9, "seed": 5}
    whole, again = Duel(), Duel()
    expected = train(whole, KINDS[kind](), folder=tmp_path / "whole", **options)
    for calls in (3 * 22 + 1, 3 * 17 + 2):  # in step 23, and then in step 37
        crash(Duel(), KINDS[kind](), tmp_path / "cut", calls, **options)
    assert weights.read_tensors(tmp_path / "cut" / "state.safetensors")[1]["step"] == 30
    history = train(again, KINDS[kind](), folder=tmp_path / "cut", **options)
    assert len(again.calls) == 3 * 35
    assert same_state(whole, again)
    assert same_state(expected.ema, history.ema)
    assert history == expected or (history.steps, history.curves) == (expected.steps, expected.curves)
    logs = [read_log(tmp_path / name) for name in ("whole", "cut")]
    assert logs[0] == logs[1]
    assert [line["step"] for line in logs[0]] == [10, 20, 30, 40, 50, 60, 65]


def read_log(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert all(line.pop("seconds") >= 0 for line in lines)
    return lines


def test_more_steps_later_and_nothing_to_do(tmp_path):
    expected, model = Line(noise=0.1), Line(noise=0.1)
    curves = train(expected, line_data(), steps=40, batch_size=16).curves
    train(model, line_data(), steps=20, batch_size=16, folder=tmp_path)
    model = Line(seed=9, noise=0.1)
    assert train(model, line_data(), steps=40, batch_size=16, folder=tmp_path).curves == curves
    assert same_state(model, expected)
    model = Line(seed=8)
    history = train(model, line_data(), steps=40, batch_size=16, folder=tmp_path)
    assert history.curves == curves
    assert same_state(model, expected)


def test_the_log_has_the_figures_of_the_curves(tmp_path):
    history = train(Duel(), torch.randn(16, 3), steps=25, batch_size=8, folder=tmp_path)
    lines = read_log(tmp_path)
    assert [line["step"] for line in lines] == history.steps
    assert {name: [line[name] for line in lines] for name in ("critic", "maker")} == history.curves
    with (tmp_path / "log.jsonl").open("a") as log:  # a crash in the middle of a line
        log.write('{"step": 30, "cri')
    train(Duel(), torch.randn(16, 3), steps=35, batch_size=8, folder=tmp_path)
    assert [line["step"] for line in read_log(tmp_path)] == [10, 20, 25, 30, 35]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_crash_while_writing_leaves_the_old_state(function, tmp_path, monkeypatch):
    expected, model = Line(), Line()
    train(expected, line_data(), steps=40, batch_size=16)
    train(model, line_data(), steps=20, batch_size=16, folder=tmp_path)
    before = (tmp_path / "state.safetensors").read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "_cut_log", lambda *_: None)
        patch.setattr(os, function, killed)
        with pytest.raises(KeyboardInterrupt):
            train(Line(), line_data(), steps=40, batch_size=16, folder=tmp_path)
    assert (tmp_path / "state.safetensors").read_bytes() == before
    train(model, line_data(), steps=40, batch_size=16, folder=tmp_path)
    assert same_state(model, expected)
    assert not list(tmp_path.glob("*.tmp"))


def test_a_damaged_state_is_told_apart(tmp_path):
    train(Line(), line_data(), steps=10, batch_size=16, folder=tmp_path)
    path = tmp_path / "state.safetensors"
    good = path.read_bytes()

    def message():
        with pytest.raises(ValueError) as caught:
            train(Line(), line_data(), steps=20, batch_size=16, folder=tmp_path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    for length in (0, 5, 100, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        assert "cut short" in message()
    path.write_bytes(good[:-10] + bytes([good[-10] ^ 1]) + good[-9:])
    assert "not what was written" in message()
    path.write_bytes(b"<html>" * 500)
    assert "not a safetensors file" in message()
    from safetensors.torch import save

    path.write_bytes(save({"x": torch.zeros(3)}))
    assert "not written by gm_utils" in message()
    weights.write_tensors(path, Line().state_dict(), {"name": "line"})
    assert "no state of a run" in message()


def test_a_state_of_other_settings_or_another_model(tmp_path):
    train(Line(), line_data(), steps=10, batch_size=16, folder=tmp_path)
    for change in ({"batch_size": 8}, {"seed": 1}, {"lr": 0.5}, {"ema": 0.5}):
        with pytest.raises(ValueError, match="take another folder"):
            train(Line(), line_data(), **{"steps": 20, "batch_size": 16, "folder": tmp_path, **change})
    other = Line()
    other.line = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="does not belong to this model"):
        train(other, line_data(), steps=20, batch_size=16, folder=tmp_path)


# What is not finite


def test_a_loss_that_is_not_finite_names_player_and_step(tmp_path):
    class Fragile(Duel):
        def maker_loss(self, x):
            loss = super().maker_loss(x)
            return loss * (float("nan") if len(self.calls) == 3 * 33 else 1)

    model = Fragile()
    with pytest.raises(FloatingPointError, match="'maker' is not finite at step 33.*last good state"):
        train(model, torch.randn(16, 3), steps=200, batch_size=8, folder=tmp_path)
    tensors, record = weights.read_tensors(tmp_path / "state.safetensors")
    assert record["step"] == 30
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert not model.training
    with pytest.raises(FloatingPointError, match="at step 33: try a smaller lr$"):
        train(Fragile(), torch.randn(16, 3), steps=40, batch_size=8)


def test_a_gradient_that_is_not_finite_is_noticed_where_the_loss_is():
    class Root(Line):
        def loss(self, batch):
            return super().loss(batch) + (self.line.bias * 0).abs().sqrt().sum()  # slope 0 * inf

    with pytest.raises(FloatingPointError, match="player 'loss'"):
        train(Root(), line_data(), steps=1)


def test_a_state_with_such_a_weight_is_not_written(tmp_path):
    class Late(Line):
        count = 0

        def loss(self, batch):
            self.count += 1
            return super().loss(batch) + (self.line.bias * 0 + (self.count != 20)).abs().sqrt().sum()

    with pytest.raises(FloatingPointError, match="a weight of player 'loss' is not finite at step 20"):
        train(Late(), line_data(), steps=200, folder=tmp_path)
    assert weights.read_tensors(tmp_path / "state.safetensors")[1]["step"] == 10


# Settings


BAD = {
    "steps": st.one_of(st.integers(max_value=0), st.floats(), st.booleans()),
    "batch_size": st.one_of(st.integers(max_value=0), st.floats(), st.booleans()),
    "seed": st.one_of(st.integers(max_value=-1), st.floats()),
    "lr": st.one_of(st.floats(max_value=0), st.just(float("nan")), st.just(float("inf"))),
    "ema": st.one_of(st.floats(min_value=1), st.floats(max_value=-1e-9), st.just(float("nan"))),
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(BAD)).flatmap(lambda name: st.tuples(st.just(name), BAD[name])))
def test_settings_that_make_no_sense(setting):
    name, value = setting
    model = Line()
    before = model.line.weight.detach().clone()
    with pytest.raises((ValueError, TypeError), match=f"^{name} is .*expected"):
        train(model, line_data(), **{"steps": 1, name: value})
    assert torch.equal(model.line.weight, before)


def test_mixed_precision_is_that_of_accelerate(monkeypatch):
    from accelerate.state import AcceleratorState

    seen = []

    class Seen(Line):
        def loss(self, batch):
            seen.append(self.line(batch[0]).dtype)
            return super().loss(batch)

    train(Seen(), line_data(), steps=1)
    try:
        AcceleratorState._reset_state(reset_partial_state=True)
        monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
        model = Seen()
        history = train(model, line_data(), steps=300, lr=2e-2)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    assert set(seen[:1]) == {torch.float32}
    assert set(seen[1:]) == {torch.bfloat16}
    assert model.line.weight.dtype == torch.float32
    assert history.curves["loss"][-1] < 0.1


@pytest.mark.parametrize(
    ("tty", "profile", "ci", "shown"),
    [
        (True, "cpu", "", True),
        (False, "cpu", "", False),
        (True, "smoke", "", False),
        (True, "cpu", "1", False),
    ],
)
def test_a_bar_only_where_a_person_looks_on(tty, profile, ci, shown, monkeypatch, capsys):
    monkeypatch.setenv("GM_PROFILE", profile)
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: tty)
    history = train(Line(), line_data(), steps=20)
    out, err = capsys.readouterr()
    assert out == ""
    assert bool(err) == shown
    assert "seconds" not in repr(history)  # an output that repeats


# Checkpoints


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "gm_utils").mkdir()
    monkeypatch.setattr(runtime, "ROOT", tmp_path)
    return tmp_path


def test_a_checkpoint_has_a_card_and_a_digest(checkout):
    model = Line(seed=3)
    path = save_checkpoint(
        "line", model, {"command": "make line", "data": "made up", "figures": {"loss": 1.5}}
    )
    save_checkpoint("aline", copy.deepcopy(model).half(), {"command": "make line", "data": "made up"})
    card = json.loads((checkout / "checkpoints" / "line.json").read_text())
    assert card["figures"] == {"loss": 1.5}
    assert card["torch"] == torch.__version__
    assert card["machine"]
    listed = (checkout / "gm_utils" / "checkpoints.sha256").read_text().splitlines()
    assert [line.split()[1] for line in listed] == ["aline.safetensors", "line.safetensors"]
    assert listed[1].split()[0] == hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = load_checkpoint("line", Line(seed=4).train())
    assert same_state(loaded, model)
    assert not loaded.training
    half = load_checkpoint("aline", Line(seed=4).double())
    torch.testing.assert_close(half.line.weight, model.line.weight.double(), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("name", "model", "card", "message"),
    [
        ("../line", Line(), {"command": "", "data": ""}, "^name is"),
        ("line", Line(), {"command": ""}, "card lacks data"),
        ("line", nn.Linear(600, 600), {"command": "", "data": ""}, "1442400 bytes.*at most 1000000"),
        ("line", nn.BatchNorm1d(2).requires_grad_(False).apply(lambda m: m.bias.fill_(torch.nan)),
         {"command": "", "data": ""}, "bias that are not finite"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_cannot_be_kept(name, model, card, message, checkout):
    with pytest.raises(ValueError, match=message):
        save_checkpoint(name, model, card)
    assert not (checkout / "checkpoints").exists()


def test_a_checkpoint_of_another_model_or_none(checkout):
    save_checkpoint("line", Line(), {"command": "make", "data": "made up"})
    with pytest.raises(ValueError, match=r"line.safetensors does not belong"):
        load_checkpoint("line", nn.Linear(3, 1))
    with pytest.raises(FileNotFoundError, match="spline|checkpoints.sha256"):
        load_checkpoint("spline", Line())


# The command line


@pytest.fixture
def recipes(monkeypatch):
    def line(seed=0):
        """A straight line."""
        return Run(Line(seed=seed), line_data(), 20, batch_size=16, ema=0.9, seed=seed, data_name="made up",
                   figures=lambda model: {"slope": model.line.weight.sum().item()})  # fmt: skip

    module = types.ModuleType("gm_utils.recipes")
    module.RECIPES = {"line": line}
    monkeypatch.setitem(sys.modules, "gm_utils.recipes", module)


def test_the_command_trains_what_the_call_trains(recipes, checkout, tmp_path, capsys):
    folder = tmp_path / "out"
    assert (
        command_line.main(["train", "line", "--steps", "30", "--seed", "2", "--out", str(folder), "--keep"])
        == 0
    )
    model = Line(seed=2)
    history = train(model, line_data(), steps=30, batch_size=16, ema=0.9, seed=2)
    assert {name: [line[name] for line in read_log(folder)] for name in ("loss",)} == history.curves
    assert same_state(load_checkpoint("line", Line()), history.ema)
    card = json.loads((checkout / "checkpoints" / "line.json").read_text())
    assert card["command"] == f"python -m gm_utils train line --steps 30 --seed 2 --out {folder} --keep"
    assert card["data"] == "made up"
    assert card["steps"] == 30
    assert card["profile"] == "cpu"
    assert set(card["figures"]) == {"loss", "slope"}
    assert "slope" in capsys.readouterr().out


def test_the_command_does_not_overwrite_a_run_and_goes_on_if_asked(recipes, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command_line.main(["train", "line"]) == 0
    with pytest.raises(SystemExit) as caught:
        command_line.main(["train", "line"])
    assert caught.value.code == 2
    assert "add --resume" in capsys.readouterr().err
    assert command_line.main(["train", "line", "--resume", "--steps", "40"]) == 0
    assert [line["step"] for line in read_log(tmp_path / "runs" / "line")] == [10, 20, 30, 40]
    assert command_line.main(["train", "line", "--resume", "--seed", "1"]) == 1
    error = capsys.readouterr().err.strip()
    assert "seed = 0" in error
    assert "\n" not in error


def test_the_command_lists_and_refuses(recipes, capsys):
    assert command_line.main(["train", "--list"]) == 0
    assert capsys.readouterr().out == "line  A straight line.\n"
    for arguments, message in (
        (["train", "spline"], "no model 'spline'; known are line"),
        (["train"], "no model"),
        (["train", "line", "--profile", "huge"], "invalid choice"),
        ([], "required"),
    ):
        with pytest.raises(SystemExit) as caught:
            command_line.main(arguments)
        assert caught.value.code == 2
        assert message in capsys.readouterr().err


# Several processes

SCRIPT = """
import json, os, sys, torch
sys.path[:0] = [{root!r}, {tests!r}]
from test_training import Line, line_data, train
rank = int(os.environ.get("RANK", 0))
out = []
for noise, folder, steps in ((0.0, None, 60), (0.5, "a", 240), (0.5, "b", 120), (0.5, "b", 240)):
    model = Line(noise, seed=rank)  # process 0 decides where training starts
    folder = folder and os.path.join({folder!r}, folder)
    history = train(model, line_data(), steps=steps, batch_size=16, lr=0.02, ema=0.9, folder=folder)
    out.append([history.ema.line.weight.tolist(), history.curves["loss"]])
    drawn = model.drawn.tolist() if noise else None
with open(os.path.join({folder!r}, f"{{rank}}.json"), "w") as file:
    json.dump([out, drawn], file)
"""


def test_two_processes_are_one_in_distribution(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(root=str(ROOT), tests=str(ROOT / "tests"), folder=str(tmp_path)))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "GM_PROFILE": "cpu", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, str(script)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first[0] == second[0]  # weights and curves agree between the processes
    assert first[1] != second[1]  # the noise does not
    assert len(first[1]) == 8  # half a batch
    first = first[0]
    exact, noisy, _, resumed = first
    model = Line()
    history = train(model, line_data(), steps=60, batch_size=16, lr=0.02, ema=0.9)
    torch.testing.assert_close(torch.tensor(exact[0]), history.ema.line.weight.detach(), atol=1e-5, rtol=0)
    assert exact[1] == pytest.approx(history.curves["loss"], abs=1e-5)
    assert noisy == resumed  # to the bit, each process with its own noise
    alone = train(Line(0.5), line_data(), steps=240, batch_size=16, lr=0.02, ema=0.9).curves["loss"][6:]
    shared = noisy[1][6:]
    assert shared != alone
    gap = torch.tensor(shared) - torch.tensor(alone)
    assert abs(gap.mean()) < 5 * gap.std() / len(gap) ** 0.5
    assert [line["step"] for line in read_log(tmp_path / "a")] == list(range(10, 241, 10))  # one writer
