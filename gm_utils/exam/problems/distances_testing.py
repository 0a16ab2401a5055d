"""Problems on what a distance says about telling two laws apart: the best test, Pinsker's inequality."""

from __future__ import annotations

import math
from random import Random
from types import SimpleNamespace as Numbers

from gm_utils.exam.problem import Problem, fill
from gm_utils.exam.problems.distances import LECTURE


class Threshold(Problem):
    id = "P-DIST-TEST"
    title = "The best test between two Gaussians"
    lecture, objective = LECTURE, "O-5-3"
    unit = "%"
    places = 1
    rel, abs = 0.0, 0.07
    hint = r"Where are the two densities equal? Decide by the side of this point."

    def draw(self, rng: Random) -> Numbers:
        t, s = rng.randint(3, 13) / 10, rng.choice([0.5, 1, 2, 3, 5])
        m = rng.choice([-2, -1, 0, 1, 2, 4])
        return Numbers(t=t, s=s, m=m, k=m + 2 * t * s)

    @staticmethod
    def phi(t: float) -> float:
        """The standard normal's distribution function."""
        return (1 + math.erf(t / math.sqrt(2))) / 2

    def answer(self, n: Numbers) -> float:
        return 100 * self.phi(-n.t)

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        error = self.answer(n)
        return [
            (100 - error, r"That is how often the test is right."),
            (100 - 2 * error,
             r"That is the total variation distance; the error of the best test is "
             r"$\tfrac12(1-\mathrm{TV})$."),
            (2 * error, r"You added the errors under both laws; each law comes with probability one half."),
            (100 * self.phi(-2 * n.t),
             r"You took the whole distance of the means; the threshold lies halfway, so it is half of it "
             r"that counts."),
            (error / 2,
             r"You halved the error once too often: it is the same under both laws, and so is their mean."),
            (100 * self.phi(-n.t / 2),
             r"You halved twice: the distance to the threshold is already half of that of the means."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            A number is drawn from $P=\mathcal N(<m>,\,<s>^2)$ or from $Q=\mathcal N(<k>,\,<s>^2)$, each
            with probability one half; $<s>$ is the **standard deviation**. From the number alone one has to
            say which.

            How often is the best rule wrong? Give the percentage to one decimal. The standard normal's
            distribution function has the values $\Phi(<half>)=<ph>$, $\Phi(<t>)=<pt>$ and
            $\Phi(<twice>)=<pd>$.
            """,
            n,
            half=n.t / 2,
            twice=2 * n.t,
            ph=f"{self.phi(n.t / 2):.4f}",
            pt=f"{self.phi(n.t):.4f}",
            pd=f"{self.phi(2 * n.t):.4f}",
        )

    def solution(self, n: Numbers) -> str:
        phi = round(self.phi(n.t), 4)
        return fill(
            r"""
            **Assumptions.** Both laws come equally often, and both kinds of error count alike. Then the
            best rule names the law with the larger density at the number.

            **Threshold.** The two densities have the same width, so they cross once, halfway between the
            means, at $\frac{<m>+<(k)>}{2}=<mid>$. Below it the rule says $P$, above it $Q$.

            **Error.** Under $P$ the rule is wrong where the number lies above $<mid>$, which is
            $\frac{<mid>-<(m)>}{<s>}=<t>$ standard deviations above the mean: with probability
            $1-\Phi(<t>)=1-<pt>$. Under $Q$ it is the same by symmetry, and so is the mean of both.

            **Answer.** The rule is wrong in $100\cdot(1-<pt>)=<exact:2>\approx <a:1>$ % of the cases.

            **Does it make sense?** Guessing is wrong in 50 %, so it must be less. It fits the total
            variation distance $\mathrm{TV}=2\Phi(<t>)-1=2\cdot<pt>-1=<tv:4>$: the error is
            $\tfrac12(1-\mathrm{TV})$.
            """,
            n,
            mid=(n.m + n.k) / 2,
            pt=f"{phi:.4f}",
            exact=100 * (1 - phi),
            a=self.answer(n),
            tv=2 * phi - 1,
        )


class Pinsker(Problem):
    id = "P-DIST-PINSKER"
    title = "What Pinsker's inequality promises a tester"
    lecture, objective = LECTURE, "O-5-6"
    unit = "%"
    places = 1
    rel, abs = 0.0, 0.06
    hint = r"What is the KL divergence between the laws of all draws together? Only then apply Pinsker."

    def draw(self, rng: Random) -> Numbers:
        return Numbers(
            kl=rng.choice([0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.012, 0.015, 0.02]),
            n=rng.choice([5, 8, 10, 12, 16, 20, 25, 40, 50]),
        )

    def settled(self, n: Numbers) -> bool:
        return super().settled(n) and n.n * math.sqrt(n.kl / 2) < 1

    def answer(self, n: Numbers) -> float:
        return 50 * (1 - math.sqrt(n.n * n.kl / 2))

    def mistakes(self, n: Numbers) -> list[tuple[float, str]]:
        tv, one = math.sqrt(n.n * n.kl / 2), math.sqrt(n.kl / 2)
        return [
            (50 * (1 - one), r"That is for a single draw; KL divergences of independent draws add."),
            (100 * (1 - tv),
             r"You forgot the one half: the best test errs with $\tfrac12(1-\mathrm{TV})$."),
            (100 * tv, r"That is the bound on the total variation distance; the error follows from it."),
            (50 * (1 - math.sqrt(n.n * n.kl)),
             r"You forgot the 2 in Pinsker's inequality: $\mathrm{TV}\le\sqrt{D/2}$."),
            (50 * (1 - n.n * one),
             r"You multiplied the bound on the total variation by the number of draws; it is the KL "
             r"divergence that adds, inside the root."),
            (50 * (1 - n.n * n.kl / 2), r"You forgot the root in Pinsker's inequality."),
        ]  # fmt: skip

    def statement(self, n: Numbers) -> str:
        return fill(
            r"""
            $P$ and $Q$ have $D_{KL}(P\Vert Q)=<kl>$ nats. Somebody gets $<n>$ independent draws,
            all from $P$ or all from $Q$, each with probability one half, and has to say from which.

            Below which percentage of errors can no test come, by Pinsker's inequality? Give it to one
            decimal.
            """,
            n,
        )

    def solution(self, n: Numbers) -> str:
        return fill(
            r"""
            **Assumptions.** The draws are independent, so the law of all of them is $P^{\otimes n}$ or
            $Q^{\otimes n}$; both come equally often.

            **All draws together.** The logarithm of a product is a sum, so
            $D_{KL}(P^{\otimes n}\Vert Q^{\otimes n})=n\,D_{KL}(P\Vert Q)=<n>\cdot<kl>=<sum>$ nats.

            **Pinsker.**
            $\mathrm{TV}(P^{\otimes n},Q^{\otimes n})
            \le\sqrt{\tfrac12D_{KL}(P^{\otimes n}\Vert Q^{\otimes n})}$, here
            $\sqrt{\frac{<sum>}{2}}=<root:5>$.

            **Error.** The best test errs with probability $\tfrac12(1-\mathrm{TV})$, which is smallest
            where $\mathrm{TV}$ is largest.

            **Answer.** Each test errs in at least $50\cdot(1-<root:5>)\approx <a:1>$ % of the cases.

            **Does it make sense?** It lies between 0 and 50 %, the error of guessing, and falls as the
            number of draws grows. With a single draw the bound would be
            $50\cdot(1-<one:5>)\approx <single:1>$ %.
            """,
            n,
            sum=n.n * n.kl,
            root=math.sqrt(n.n * n.kl / 2),
            a=self.answer(n),
            one=math.sqrt(n.kl / 2),
            single=50 * (1 - round(math.sqrt(n.kl / 2), 5)),
        )


PROBLEMS = (Threshold(), Pinsker())
