using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

internal sealed unsafe partial class Quantize
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        QuantizeKernel map = ((QuantizeAttributes)node.Attributes).Kernel();
        return new ByteMapKernel("f32_to_i8_quantize", node, (x, y, count) => map.Run((float*)x, y, count));
    }
}

internal sealed unsafe partial class Dequantize
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        StepGrid grid = ((DequantizeAttributes)node.Attributes).Grid;
        DequantizeKernel map = new(grid.Operand);
        return new ByteMapKernel("i8_to_f32_dequantize", node, (x, y, count) => map.Run(x, (float*)y, count));
    }
}

internal sealed unsafe partial class LookUp
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        LookUpAttributes a = (LookUpAttributes)node.Attributes;
        ByteTable table = new(a.Source == DType.I8, x => a.Table[x - a.First]);
        return new ByteMapKernel("x8_table", node, table.Run);
    }
}

internal sealed partial class QuantizedConv2d
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new QuantizedLayerKernel(node, context);
}

internal sealed partial class QuantizedDepthwiseConv2d
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new QuantizedLayerKernel(node, context);
}

internal sealed unsafe partial class QuantizedAdd
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new QuantizedBinaryKernel("i8_add", node, KernelOf((QuantizedBinaryAttributes)node.Attributes).Run);
}

internal sealed unsafe partial class QuantizedMultiply
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new QuantizedBinaryKernel("i8_multiply", node, KernelOf((QuantizedBinaryAttributes)node.Attributes).Run);
}
