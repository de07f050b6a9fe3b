"""A network as an ONNX graph, which ONNX Runtime and OpenVINO compute without PyTorch.

A folder with a graph holds ``network.onnx``, whose weights lie in the safetensors beside it, and
``network.json``, which says what a tracker has to know and the digest of every file. Only
:mod:`vl_track.graphs.writing` imports torch.
"""
