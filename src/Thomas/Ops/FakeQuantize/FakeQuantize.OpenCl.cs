using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class FakeQuantize
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        FakeQuantizeAttributes a = (FakeQuantizeAttributes)node.Attributes;
        Quantization q = a.Quantization;
        int count = node.Output.Shape.ElementCount;
        if (q.IsPerTensor)
        {
            return new OpenClKernel(
                "f32_fakequant", QuantizeLaunches.Tensor(count, q.Scales[0], q.ZeroPoints[0], a.Minimum, a.Maximum, context.Limits));
        }

        (OpenClLaunch[] launches, long constants) = QuantizeLaunches.Channels(count, q.Scales, q.ZeroPoints, a.Minimum, a.Maximum, context.Limits);
        return new OpenClKernel("f32_fakequant_channels", launches) { Constants = constants };
    }
}
