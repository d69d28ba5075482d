using Thomas.Autodiff;
using Thomas.Quantizing;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>What the type of a cell does to a network and its training, beside what the device does by itself.</summary>
internal static class StudyTypes
{
    /// <summary>The network for inference. Its grids fit no image: times do not depend on them.</summary>
    /// <exception cref="ThomasException">The type means nothing there; the message is the reason.</exception>
    public static Model ForInference(Model model, StudyDevice device) => device.Type switch
    {
        StudyExperiment.Int8 => Quantizer.IsQuantized(model) ? model : Quantizer.Outline(model),
        StudyExperiment.Frozen => throw new ThomasException("Inference trains nothing, so no part of it is frozen; int8 is the whole network in integers."),
        StudyExperiment.Half when device.IsHost => throw new ThomasException("Inference keeps nothing for a backward pass that could be kept in 16 bits."),
        _ => model,
    };

    /// <summary>The network and the plan of a step.</summary>
    /// <exception cref="ThomasException">The type means nothing there; the message is the reason.</exception>
    public static (Model Model, TrainingPlanOptions Options) ForStep(Model model, TrainingPlanOptions options, StudyDevice device) => device.Type switch
    {
        StudyExperiment.Frozen => (Frozen(model, options.Policy), options),
        StudyExperiment.Half when device.IsHost => (model, options with { Compression = Compression.Half }),
        StudyExperiment.Int8 => (Quantizer.IsQuantized(model) ? model : Quantizer.Outline(model), options with { Compression = Compression.Int8 }),
        _ => (model, options),
    };

    private static Model Frozen(Model model, UpdatePolicy policy) => Quantizer.IsQuantized(model) ? model : Quantizer.OutlineFrozen(model, policy);
}
