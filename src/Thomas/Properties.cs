using System.Runtime.CompilerServices;

// Kernels fully write their stack buffers.
[module: SkipLocalsInit]
