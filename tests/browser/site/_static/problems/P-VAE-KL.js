gmProblem("P-VAE-KL",{
 "title": "Divergence of two Gaussians",
 "lecture": "10-vae",
 "objective": "O-10-4",
 "variants": [
  {
   "seed": 0,
   "statement": "<p>The posterior is <math><mrow><mi>N</mi><mo>(</mo><mn>2.0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math> and the prior is <math><mrow><mi>N</mi><mo>(</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math>. What is <math><mrow><mi>KL</mi><mo>(</mo><mi>q</mi><mo>∥</mo><mi>p</mi><mo>)</mo></mrow></math>, in nats?</p>",
   "answer": 2.0,
   "unit": "nats",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>Equal variances: only the mean's term is left.</p>",
   "solution": "<p>With equal variances the divergence is half the squared mean: <math><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mi>μ</mi><mn>2</mn></msup><mo>=</mo><mn>2.0</mn></mrow></math> nats.</p>",
   "mistakes": [
    {
     "answer": 4.0,
     "diagnosis": "<p>The factor one half is missing: log N has it in front of the square.</p>"
    },
    {
     "answer": 2.8853900817779268,
     "diagnosis": "<p>That is the value in bits; the question asks for nats.</p>"
    }
   ]
  },
  {
   "seed": 1,
   "statement": "<p>The posterior is <math><mrow><mi>N</mi><mo>(</mo><mn>1.0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math> and the prior is <math><mrow><mi>N</mi><mo>(</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math>. What is <math><mrow><mi>KL</mi><mo>(</mo><mi>q</mi><mo>∥</mo><mi>p</mi><mo>)</mo></mrow></math>, in nats?</p>",
   "answer": 0.5,
   "unit": "nats",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>Equal variances: only the mean's term is left.</p>",
   "solution": "<p>With equal variances the divergence is half the squared mean: <math><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mi>μ</mi><mn>2</mn></msup><mo>=</mo><mn>0.5</mn></mrow></math> nats.</p>",
   "mistakes": [
    {
     "answer": 1.0,
     "diagnosis": "<p>The factor one half is missing: log N has it in front of the square.</p>"
    },
    {
     "answer": 0.7213475204444817,
     "diagnosis": "<p>That is the value in bits; the question asks for nats.</p>"
    }
   ]
  },
  {
   "seed": 2,
   "statement": "<p>The posterior is <math><mrow><mi>N</mi><mo>(</mo><mn>−1.5</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math> and the prior is <math><mrow><mi>N</mi><mo>(</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math>. What is <math><mrow><mi>KL</mi><mo>(</mo><mi>q</mi><mo>∥</mo><mi>p</mi><mo>)</mo></mrow></math>, in nats?</p>",
   "answer": 1.125,
   "unit": "nats",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>Equal variances: only the mean's term is left.</p>",
   "solution": "<p>With equal variances the divergence is half the squared mean: <math><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mi>μ</mi><mn>2</mn></msup><mo>=</mo><mn>1.125</mn></mrow></math> nats.</p>",
   "mistakes": [
    {
     "answer": 2.25,
     "diagnosis": "<p>The factor one half is missing: log N has it in front of the square.</p>"
    },
    {
     "answer": 1.6230319210000839,
     "diagnosis": "<p>That is the value in bits; the question asks for nats.</p>"
    }
   ]
  },
  {
   "seed": 3,
   "statement": "<p>The posterior is <math><mrow><mi>N</mi><mo>(</mo><mn>0.5</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math> and the prior is <math><mrow><mi>N</mi><mo>(</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math>. What is <math><mrow><mi>KL</mi><mo>(</mo><mi>q</mi><mo>∥</mo><mi>p</mi><mo>)</mo></mrow></math>, in nats?</p>",
   "answer": 0.125,
   "unit": "nats",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>Equal variances: only the mean's term is left.</p>",
   "solution": "<p>With equal variances the divergence is half the squared mean: <math><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mi>μ</mi><mn>2</mn></msup><mo>=</mo><mn>0.125</mn></mrow></math> nats.</p>",
   "mistakes": [
    {
     "answer": 0.25,
     "diagnosis": "<p>The factor one half is missing: log N has it in front of the square.</p>"
    },
    {
     "answer": 0.18033688011112042,
     "diagnosis": "<p>That is the value in bits; the question asks for nats.</p>"
    }
   ]
  },
  {
   "seed": 4,
   "statement": "<p>The posterior is <math><mrow><mi>N</mi><mo>(</mo><mn>3.0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math> and the prior is <math><mrow><mi>N</mi><mo>(</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>)</mo></mrow></math>. What is <math><mrow><mi>KL</mi><mo>(</mo><mi>q</mi><mo>∥</mo><mi>p</mi><mo>)</mo></mrow></math>, in nats?</p>",
   "answer": 4.5,
   "unit": "nats",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>Equal variances: only the mean's term is left.</p>",
   "solution": "<p>With equal variances the divergence is half the squared mean: <math><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac><msup><mi>μ</mi><mn>2</mn></msup><mo>=</mo><mn>4.5</mn></mrow></math> nats.</p>",
   "mistakes": [
    {
     "answer": 9.0,
     "diagnosis": "<p>The factor one half is missing: log N has it in front of the square.</p>"
    },
    {
     "answer": 6.4921276840003355,
     "diagnosis": "<p>That is the value in bits; the question asks for nats.</p>"
    }
   ]
  }
 ]
});
