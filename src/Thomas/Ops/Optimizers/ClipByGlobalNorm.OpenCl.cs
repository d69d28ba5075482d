using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class ClipByGlobalNorm
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        int[] counts = new int[node.Inputs.Count - 1];
        for (int i = 0; i < counts.Length; i++) counts[i] = node.Inputs[i + 1].Shape.ElementCount;
        float bound = ((ClipByGlobalNormAttributes)node.Attributes).Bound;
        (OpenClLaunch[] launches, long workspace) = GlobalNormLaunches.Of(counts, bound, context.Limits);
        return new OpenClKernel("f32_globalnorm", launches) { Workspace = workspace };
    }
}
