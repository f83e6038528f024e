"""Several processes as one service: what a PBX's reader is told, told to all; what people ask anywhere, asked of that reader."""
