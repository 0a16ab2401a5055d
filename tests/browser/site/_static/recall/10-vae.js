gmRecall("10-vae",{
 "title": "Variational autoencoders",
 "url": "notebooks/10-vae.html",
 "prompts": [
  {
   "id": "R-VAE-01",
   "question": "<p>Which two terms does the ELBO have?</p>",
   "answer": "<p>The expected log-likelihood, minus <math><mrow><mi>KL</mi><mo>(</mo><mi>q</mi><mo>∥</mo><mi>p</mi><mo>)</mo></mrow></math>. <a class=\"deep\" href=\"#q-vae-03\">A worked question</a></p>"
  },
  {
   "id": "R-VAE-02",
   "question": "<p>Why is the gap between the ELBO and log p(x) never negative?</p>",
   "answer": "<p>It is a Kullback–Leibler divergence, from the approximate posterior to the true one.</p>"
  },
  {
   "id": "R-VAE-03",
   "question": "<p>What does reparameterisation make possible?</p>",
   "answer": "<p>A gradient through the sample: z = μ + σ ε, with ε drawn from N(0, I), is differentiable in μ and σ.</p>"
  },
  {
   "id": "R-VAE-04",
   "question": "<p>What is the posterior when a decoder ignores z?</p>",
   "answer": "<p>The prior: nothing is learned about z from x.</p>"
  },
  {
   "id": "R-VAE-05",
   "question": "<p>Does β &gt; 1 tighten or loosen the bound?</p>",
   "answer": "<p>It loosens it.</p>"
  }
 ]
});
