namespace Thomas.Ops;

/// <summary>
/// dL/dx of a convolution. Operands: dy [n,oh,ow,cOut], filter [cOut,kH,kW,cIn/groups] (OHWI); result [n,h,w,cIn].
/// </summary>
internal sealed class Conv2dInputGradient : TransposedConvolution
{
    /// <inheritdoc/>
    public override string Name => "Conv2dInputGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "dx[n,h,w,c] = sum over o of c's group and i,j,p,q with p*sH - top + i*dH = h, q*sW - left + j*dW = w of dy[n,p,q,o] * filter[o,i,j,c - g*cIn/G]";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";
}
