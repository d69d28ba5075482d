using System;
using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>One of <see cref="CompilePasses"/>.</summary>
/// <param name="Name">What switches it off.</param>
/// <param name="Run">The rewrite.</param>
/// <param name="ForCpuCaches">Whether it pays only on a CPU: it makes one node of several whose common kernel keeps in the caches what lies between
/// them.</param>
/// <param name="FusesKernels">Whether it pays by fewer launches and less memory traffic on any device.</param>
/// <param name="ForOpenCl">Whether it is for devices of OpenCL alone.</param>
internal sealed record CompilePass(string Name, Func<Graph, Graph> Run, bool ForCpuCaches = false, bool FusesKernels = false, bool ForOpenCl = false);
