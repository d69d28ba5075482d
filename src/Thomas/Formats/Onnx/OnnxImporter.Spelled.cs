using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Operators that exporters spell out in others, found again.</summary>
internal sealed partial class OnnxImporter
{
    private Operand Quotient(OnnxNode node)
    {
        Operand x = node.Input(0);
        if (!x.IsConstant && x.Grid is null && x.Rank >= 2 && node.Optional(1)?.Value is Value divisor
            && WindowOverChannels(x.Value!, divisor) is LocalResponseNormAttributes attributes)
        {
            return ApplyChannelsLast(node, OpCatalog.LocalResponseNorm, x, [], attributes);
        }

        return Binary(node, OpCatalog.Divide);
    }

    /// <summary>
    /// Whether a divisor is (bias + alpha * mean of x^2 over a window of channels)^beta, as PyTorch writes LocalResponseNorm: squares, padding along the
    /// channels, an average pool. Between them there may be reshapes, and transposes that keep the order of the elements. Windows of even size lie one channel
    /// lower than this operator's.
    /// </summary>
    private static LocalResponseNormAttributes? WindowOverChannels(Value x, Value divisor)
    {
        if (divisor.Shape != x.Shape || divisor.Producer is not { Op: Ops.Power } power || NumberOf(power.Inputs[1]) is not float beta) return null;
        if (power.Inputs[0].Producer is not { Op: Add } sum || NumberOf(sum.Inputs[1]) is not float bias) return null;
        Value mean = sum.Inputs[0];
        float alpha = 1;
        if (mean.Producer is { Op: Multiply } product && NumberOf(product.Inputs[1]) is float factor) (mean, alpha) = (product.Inputs[0], factor);
        if (Behind(mean).Producer is not { Op: AveragePool2d, Attributes: AveragePool2dAttributes { Activation.Kind: ActivationKind.None } pool } node)
        {
            return null;
        }

        Value pooled = node.Inputs[0];
        Shape shape = x.Shape, map = pooled.Shape;
        int size = pool.Window.KernelH, channels = shape[1], inner = shape.Product(2, shape.Rank);
        if (size % 2 == 0 || pool.Window != new Window2d(size, 1)) return null;
        if (map[0] != shape[0] || map[1] != channels + size - 1 || map[2] * map[3] != inner) return null;
        Value squares = Behind(pooled);
        if (size > 1)
        {
            if (squares.Producer is not { Op: Ops.Pad, Attributes: PadAttributes { Value: 0 } pad } padded
                || !PadsChannels(pad, padded.Inputs[0].Shape, size / 2, channels, inner))
            {
                return null;
            }

            squares = Behind(padded.Inputs[0]);
        }

        if (squares.Producer is not { Op: Multiply } square || square.Inputs[0] != x || square.Inputs[1] != x) return null;
        return new LocalResponseNormAttributes(size, alpha / size, beta, bias);
    }

    /// <summary>Whether padding adds so many elements on both sides of the axis that runs over channels, and nothing else.</summary>
    private static bool PadsChannels(PadAttributes pad, Shape shape, int count, int channels, int inner)
    {
        bool any = false;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            if (pad.Before[axis] == 0 && pad.After[axis] == 0) continue;
            if (any || pad.Before[axis] != count || pad.After[axis] != count || shape[axis] != channels || shape.Product(axis + 1, shape.Rank) != inner)
            {
                return false;
            }

            any = true;
        }

        return any;
    }

    private static float? NumberOf(Value value) => value.Constant is { Type: { DType: DType.F32, Shape.ElementCount: 1 } } data ? data.Floats[0] : null;

    /// <summary>The value whose elements these are, in the same order.</summary>
    private static Value Behind(Value value)
    {
        while (value.Producer is Node node
            && (node.Op is Ops.Reshape || (node.Attributes is TransposeAttributes t && Permutation.KeepsOrder(t.Perm, node.Inputs[0].Shape))))
            value = node.Inputs[0];
        return value;
    }
}
