using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

internal sealed partial class Activate
{
    internal override void Gradient(GradientContext g)
    {
        ActivateAttributes attributes = g.Attributes<ActivateAttributes>();
        Value saved = attributes.Activation.GradientReadsOutput ? g.Output : g.Input(0);
        g.Add(0, attributes.Activation.Kind == ActivationKind.None
            ? g.GradOutput
            : g.Emit(OpCatalog.ActivateGradient, "gradInput", [g.GradOutput, saved], attributes));
    }
}
