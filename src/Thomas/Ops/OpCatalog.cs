using System.Collections.Generic;

using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Every operator: a property to name it by and its place in <see cref="All"/>; the only list of them.</summary>
internal static class OpCatalog
{
    /// <summary>Sum of two tensors.</summary>
    public static Add Add { get; } = new();

    /// <summary>Difference of two tensors.</summary>
    public static Subtract Subtract { get; } = new();

    /// <summary>Product of two tensors.</summary>
    public static Multiply Multiply { get; } = new();

    /// <summary>Quotient of two tensors.</summary>
    public static Divide Divide { get; } = new();

    /// <summary>Larger of two tensors' elements.</summary>
    public static Maximum Maximum { get; } = new();

    /// <summary>Smaller of two tensors' elements.</summary>
    public static Minimum Minimum { get; } = new();

    /// <summary>Power of two tensors' elements.</summary>
    public static Power Power { get; } = new();

    /// <summary>Leaky ReLU with a slope tensor.</summary>
    public static PRelu PRelu { get; } = new();

    /// <summary>Activation functions.</summary>
    public static Activate Activate { get; } = new();

    /// <summary>Natural exponential.</summary>
    public static Exp Exp { get; } = new();

    /// <summary>Natural logarithm.</summary>
    public static Log Log { get; } = new();

    /// <summary>Square root.</summary>
    public static Sqrt Sqrt { get; } = new();

    /// <summary>Reciprocal square root.</summary>
    public static Rsqrt Rsqrt { get; } = new();

    /// <summary>Negation.</summary>
    public static Negate Negate { get; } = new();

    /// <summary>Absolute value.</summary>
    public static Abs Abs { get; } = new();

    /// <summary>Nearest whole number.</summary>
    public static Round Round { get; } = new();

    /// <summary>-1, 0 or 1.</summary>
    public static Sign Sign { get; } = new();

    /// <summary>Error function.</summary>
    public static Erf Erf { get; } = new();

    /// <summary>Rounding to a quantized grid.</summary>
    public static FakeQuantize FakeQuantize { get; } = new();

    /// <summary>Convolution.</summary>
    public static Conv2d Conv2d { get; } = new();

    /// <summary>Channel-wise convolution.</summary>
    public static DepthwiseConv2d DepthwiseConv2d { get; } = new();

    /// <summary>Expansion, channel-wise convolution and projection in one.</summary>
    public static InvertedResidual InvertedResidual { get; } = new();

    /// <summary>Fully connected layer.</summary>
    public static Dense Dense { get; } = new();

    /// <summary>Batch normalization with stored statistics.</summary>
    public static BatchNorm BatchNorm { get; } = new();

    /// <summary>Maximum over windows.</summary>
    public static MaxPool2d MaxPool2d { get; } = new();

    /// <summary>Mean over windows.</summary>
    public static AveragePool2d AveragePool2d { get; } = new();

    /// <summary>Mean, sum or maximum over axes.</summary>
    public static Reduce Reduce { get; } = new();

    /// <summary>Normalized exponentials.</summary>
    public static Softmax Softmax { get; } = new();

    /// <summary>Local response normalization.</summary>
    public static LocalResponseNorm LocalResponseNorm { get; } = new();

    /// <summary>Joining along an axis.</summary>
    public static Concat Concat { get; } = new();

    /// <summary>Surrounding with a constant.</summary>
    public static Pad Pad { get; } = new();

    /// <summary>Cutting out a block.</summary>
    public static Slice Slice { get; } = new();

    /// <summary>The same elements under another shape.</summary>
    public static Reshape Reshape { get; } = new();

    /// <summary>Reordering of axes.</summary>
    public static Transpose Transpose { get; } = new();

    /// <summary>Transposed convolution.</summary>
    public static ConvTranspose2d ConvTranspose2d { get; } = new();

    /// <summary>Matrix product.</summary>
    public static MatMul MatMul { get; } = new();

    /// <summary>Comparison of two tensors' elements as a number.</summary>
    public static Heaviside Heaviside { get; } = new();

    /// <summary>Repetition along axes.</summary>
    public static BroadcastTo BroadcastTo { get; } = new();

    /// <summary>Gradient of an activation.</summary>
    public static ActivateGradient ActivateGradient { get; } = new();

    /// <summary>Gradient of an activation and of the bias before it.</summary>
    public static ActivateBiasGradient ActivateBiasGradient { get; } = new();

    /// <summary>Gradient of a convolution's input.</summary>
    public static Conv2dInputGradient Conv2dInputGradient { get; } = new();

    /// <summary>Gradient of a convolution's filter.</summary>
    public static Conv2dFilterGradient Conv2dFilterGradient { get; } = new();

    /// <summary>Gradient of a depthwise convolution's input.</summary>
    public static DepthwiseConv2dInputGradient DepthwiseConv2dInputGradient { get; } = new();

    /// <summary>Gradient of a depthwise convolution's filter.</summary>
    public static DepthwiseConv2dFilterGradient DepthwiseConv2dFilterGradient { get; } = new();

    /// <summary>Both gradients of a depthwise convolution.</summary>
    public static DepthwiseConv2dGradient DepthwiseConv2dGradient { get; } = new();

    /// <summary>Gradient of max pooling.</summary>
    public static MaxPool2dGradient MaxPool2dGradient { get; } = new();

    /// <summary>Gradient of average pooling.</summary>
    public static AveragePool2dGradient AveragePool2dGradient { get; } = new();

    /// <summary>Gradient of a maximum over axes.</summary>
    public static ReduceMaxGradient ReduceMaxGradient { get; } = new();

    /// <summary>Gradient of local response normalization.</summary>
    public static LocalResponseNormGradient LocalResponseNormGradient { get; } = new();

    /// <summary>Gradient of cutting out a strided block.</summary>
    public static SliceGradient SliceGradient { get; } = new();

    /// <summary>Convolution and the moments of its result.</summary>
    public static Conv2dMoments Conv2dMoments { get; } = new();

    /// <summary>Channel-wise convolution and the moments of its result.</summary>
    public static DepthwiseConv2dMoments DepthwiseConv2dMoments { get; } = new();

    /// <summary>Batch normalization with moments that are known.</summary>
    public static BatchNormFromMoments BatchNormFromMoments { get; } = new();

    /// <summary>Classification loss.</summary>
    public static SoftmaxCrossEntropy SoftmaxCrossEntropy { get; } = new();

    /// <summary>Gradient of the classification loss.</summary>
    public static SoftmaxCrossEntropyGradient SoftmaxCrossEntropyGradient { get; } = new();

    /// <summary>Step of gradient descent with momentum.</summary>
    public static SgdUpdate SgdUpdate { get; } = new();

    /// <summary>Step of Adam or AdamW.</summary>
    public static AdamUpdate AdamUpdate { get; } = new();

    /// <summary>Sum of gradients over micro-batches.</summary>
    public static Accumulate Accumulate { get; } = new();

    /// <summary>Bound on the gradients' norm.</summary>
    public static ClipByGlobalNorm ClipByGlobalNorm { get; } = new();

    /// <summary>Average that follows a value.</summary>
    public static MovingAverage MovingAverage { get; } = new();

    /// <summary>Normalization by the statistics of the batch.</summary>
    public static BatchNormTraining BatchNormTraining { get; } = new();

    /// <summary>Gradients of normalization by the statistics of the batch.</summary>
    public static BatchNormTrainingGradient BatchNormTrainingGradient { get; } = new();

    /// <summary>Random zeros in training.</summary>
    public static Dropout Dropout { get; } = new();

    /// <summary>Copy in the memory of another device.</summary>
    public static Transfer Transfer { get; } = new();

    /// <summary>Elements in another type.</summary>
    public static Cast Cast { get; } = new();

    /// <summary>Steps of a grid of 8 bits.</summary>
    public static Quantize Quantize { get; } = new();

    /// <summary>Real numbers of steps.</summary>
    public static Dequantize Dequantize { get; } = new();

    /// <summary>Convolution of 8-bit tensors.</summary>
    public static QuantizedConv2d QuantizedConv2d { get; } = new();

    /// <summary>Channel-wise convolution of 8-bit tensors.</summary>
    public static QuantizedDepthwiseConv2d QuantizedDepthwiseConv2d { get; } = new();

    /// <summary>Sum of 8-bit tensors.</summary>
    public static QuantizedAdd QuantizedAdd { get; } = new();

    /// <summary>Product of 8-bit tensors.</summary>
    public static QuantizedMultiply QuantizedMultiply { get; } = new();

    /// <summary>Mean over windows of 8-bit tensors.</summary>
    public static QuantizedAveragePool2d QuantizedAveragePool2d { get; } = new();

    /// <summary>Normalized exponentials of 8-bit tensors.</summary>
    public static QuantizedSoftmax QuantizedSoftmax { get; } = new();

    /// <summary>Table of a function of 8-bit numbers.</summary>
    public static LookUp LookUp { get; } = new();

    /// <summary>Trained weights on a grid that follows them.</summary>
    public static RoundWeights RoundWeights { get; } = new();

    /// <summary>A trained bias on the grid of sums.</summary>
    public static RoundBias RoundBias { get; } = new();

    /// <summary>Real numbers of weights in steps.</summary>
    public static DequantizeFilter DequantizeFilter { get; } = new();

    /// <summary>Gradient of a layer's input by weights on a grid.</summary>
    public static RoundedInputGradient RoundedInputGradient { get; } = new();

    /// <summary>Gradient of a function of 8-bit numbers.</summary>
    public static LookUpGradient LookUpGradient { get; } = new();

    /// <summary>All operators.</summary>
    public static IReadOnlyList<Op> All { get; } =
    [
        Add, Subtract, Multiply, Divide, Maximum, Minimum, Power, PRelu,
        Activate, Exp, Log, Sqrt, Rsqrt, Negate, Abs, Sign, Round, Erf, FakeQuantize,
        Conv2d, DepthwiseConv2d, ConvTranspose2d, Dense, BatchNorm, MaxPool2d, AveragePool2d,
        Reduce, Softmax, LocalResponseNorm, Concat, Pad, Slice, Reshape, Transpose,
        MatMul, Heaviside, BroadcastTo,
        ActivateGradient, ActivateBiasGradient, Conv2dInputGradient, Conv2dFilterGradient, DepthwiseConv2dInputGradient, DepthwiseConv2dFilterGradient,
        DepthwiseConv2dGradient,
        MaxPool2dGradient, AveragePool2dGradient, ReduceMaxGradient, LocalResponseNormGradient, SliceGradient,
        SoftmaxCrossEntropy, SoftmaxCrossEntropyGradient, SgdUpdate, AdamUpdate, Accumulate, ClipByGlobalNorm, MovingAverage,
        BatchNormTraining, BatchNormTrainingGradient, Conv2dMoments, DepthwiseConv2dMoments, BatchNormFromMoments, Dropout, InvertedResidual,
        Transfer, Cast,
        Quantize, Dequantize, QuantizedConv2d, QuantizedDepthwiseConv2d, QuantizedAdd, QuantizedMultiply, QuantizedAveragePool2d, QuantizedSoftmax, LookUp,
        RoundWeights, RoundBias, DequantizeFilter, RoundedInputGradient, LookUpGradient,
    ];
}
