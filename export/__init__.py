"""The workstation toolchain: trained networks in, checked ONNX out. Importing it loads no heavy dependency."""
