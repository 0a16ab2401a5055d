gmProblem("P-FLOW-DET",{
 "title": "Log-determinant of a coupling layer",
 "lecture": "12-flows",
 "objective": "O-12-2",
 "variants": [
  {
   "seed": 0,
   "statement": "<p>A coupling layer scales two coordinates by <math><mrow><msup><mi>e</mi><mn>1.0</mn></msup></mrow></math> each. What is the log-determinant of its Jacobian?</p>",
   "answer": 2.0,
   "unit": "",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>The determinant of a diagonal matrix is a product.</p>",
   "solution": "<p>Two times the scale's logarithm: 2.0.</p>",
   "mistakes": [
    {
     "answer": 1.0,
     "diagnosis": "<p>That is one coordinate; there are two.</p>"
    }
   ]
  },
  {
   "seed": 1,
   "statement": "<p>A coupling layer scales two coordinates by <math><mrow><msup><mi>e</mi><mn>0.25</mn></msup></mrow></math> each. What is the log-determinant of its Jacobian?</p>",
   "answer": 0.5,
   "unit": "",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>The determinant of a diagonal matrix is a product.</p>",
   "solution": "<p>Two times the scale's logarithm: 0.5.</p>",
   "mistakes": [
    {
     "answer": 0.25,
     "diagnosis": "<p>That is one coordinate; there are two.</p>"
    }
   ]
  },
  {
   "seed": 2,
   "statement": "<p>A coupling layer scales two coordinates by <math><mrow><msup><mi>e</mi><mn>−0.75</mn></msup></mrow></math> each. What is the log-determinant of its Jacobian?</p>",
   "answer": -1.5,
   "unit": "",
   "tolerance": {
    "rel": 0.01,
    "abs": 0.001
   },
   "hint": "<p>The determinant of a diagonal matrix is a product.</p>",
   "solution": "<p>Two times the scale's logarithm: -1.5.</p>",
   "mistakes": [
    {
     "answer": -0.75,
     "diagnosis": "<p>That is one coordinate; there are two.</p>"
    }
   ]
  }
 ]
});
