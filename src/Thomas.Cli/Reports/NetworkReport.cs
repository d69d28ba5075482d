using Thomas.Cli.Output;
using Thomas.Training;

namespace Thomas.Cli.Reports;

/// <summary>What <c>tune</c> and <c>train</c> say of a network's training.</summary>
internal static class NetworkReport
{
    public static void Print(Terminal terminal, TrainerResult network)
    {
        TrainerMemory memory = network.Memory;
        terminal.Field("training", $"{Format.Count(network.TrainedParameters)} trained parameters, {Format.Invariant($"{network.SecondsPerStep * 1000:0.#} ms a step, {network.WaitedShare:0.0%} of it waiting for images")}");
        terminal.Field(
            "memory",
            $"{Format.Bytes(memory.Total)}: step {Format.Bytes(memory.Step)}, weights and optimizer {Format.Bytes(memory.Variables)}, "
                + $"state to go back to {Format.Bytes(memory.Rollback)}, best weights {Format.Bytes(memory.Best)}, batches {Format.Bytes(memory.Batches)}, validation {Format.Bytes(memory.Validation)}");
    }

    public static NetworkEntry Of(TrainerResult network) => new(
        network.TrainedParameters,
        network.SecondsPerStep,
        network.WaitedShare,
        network.Restarts,
        network.LearningRate,
        network.Memory.Variables,
        network.Memory.Step,
        network.Memory.Rollback,
        network.Memory.Best,
        network.Memory.Batches,
        network.Memory.Validation);
}
