using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// Transposed convolution, which enlarges images (PyTorch's ConvTranspose2d): the input gradient of a convolution, as a layer. Operands: x [n,h,w,cIn], filter
/// [cIn,kH,kW,cOut/groups] (the OHWI filter of the convolution that is turned around); result [n,oh,ow,cOut], oh and ow being the attributes' InputH and
/// InputW.
/// </summary>
internal sealed class ConvTranspose2d : TransposedConvolution
{
    /// <inheritdoc/>
    public override string Name => "ConvTranspose2d";

    /// <inheritdoc/>
    public override string Formula =>
        "y[n,h,w,o] = sum over c of o's group and i,j,p,q with p*sH - top + i*dH = h, q*sW - left + j*dW = w of x[n,p,q,c] * filter[c,i,j,o - g*cOut/G]";

    /// <summary>The convolution itself, and its filter gradient with the roles of input and output exchanged.</summary>
    internal override void Gradient(GradientContext g)
    {
        Conv2dGradientAttributes a = g.Attributes<Conv2dGradientAttributes>();
        if (g.Needs(1)) g.Add(1, g.Emit(OpCatalog.Conv2dFilterGradient, "gradWeight", [g.GradOutput, g.Input(0)], a));
        if (g.Needs(0)) g.Add(0, g.Emit(OpCatalog.Conv2d, "gradInput", [g.GradOutput, g.Input(1)], new Conv2dAttributes(a.Window, a.Groups)));
    }
}
