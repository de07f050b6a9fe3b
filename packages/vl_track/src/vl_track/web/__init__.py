"""One HTML file that tracks: the model and ONNX Runtime Web inside a page that sends nothing."""
