gmRecallIndex([
 {
  "lecture": "10-vae",
  "title": "Variational autoencoders",
  "url": "notebooks/10-vae.html",
  "recall": 5,
  "problems": [
   "P-VAE-KL"
  ]
 },
 {
  "lecture": "12-flows",
  "title": "Normalising flows",
  "url": "notebooks/12-flows.html",
  "recall": 2,
  "problems": [
   "P-FLOW-DET"
  ]
 }
]);
