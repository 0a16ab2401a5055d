gmRecall("12-flows",{
 "title": "Normalising flows",
 "url": "notebooks/12-flows.html",
 "prompts": [
  {
   "id": "R-FLOW-01",
   "question": "<p>What does a coupling layer leave unchanged?</p>",
   "answer": "<p>The half of the coordinates that it conditions on.</p>"
  },
  {
   "id": "R-FLOW-02",
   "question": "<p>Of what shape is the Jacobian of a coupling layer?</p>",
   "answer": "<p>Triangular, so that its log-determinant is a sum.</p>"
  }
 ]
});
