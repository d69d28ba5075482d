using System;
using System.Collections.Generic;
using Thomas.Data;
using Thomas.Graphs;

namespace Thomas.Quantizing;

/// <summary>An 8-bit network and how it compares with the float one.</summary>
public sealed record QuantizedModel
{
    /// <summary>The network.</summary>
    public required Model Model { get; init; }

    /// <summary>Calibration images that were used.</summary>
    public required int Images { get; init; }

    /// <summary>
    /// Share of the calibration images for which both networks name the same class; null where the network names none. The ranges were chosen for these images,
    /// so on others it may be lower: it is no accuracy.
    /// </summary>
    public double? Agreement { get; init; }

    /// <summary>
    /// Signal to noise of the first output over the calibration images, in decibels: 10 log10 (sum y^2 / sum (y - y8)^2), y of the float network and y8 of this
    /// one. Infinite where both are the same.
    /// </summary>
    public required double SignalToNoise { get; init; }

    /// <summary>Images that could not be read and were left out.</summary>
    public IReadOnlyList<BrokenImage> Broken { get; init; } = [];

    /// <summary>What a person should know, such as operators that stay float32.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Sets the outputs of two networks side by side.</summary>
internal static class Comparison
{
    public static QuantizedModel Of(Model model, Model quantized, Calibration calibration, IReadOnlyList<BrokenImage> broken, IReadOnlyList<string> notes)
    {
        ClassOutput classes = ClassOutput.Find(model);
        int index = classes.Index, count = calibration.Images.Count;
        float[][] expected = new float[count][];
        Value before = model.Graph.Outputs[index], after = quantized.Graph.Outputs[index];
        double signal = 0, noise = 0;
        int same = 0;
        calibration.Run(model.Graph, [before], "float", (image, _, numbers) => expected[image] = numbers.ToArray());
        calibration.Run(quantized.Graph, [after], "compare", (image, _, numbers) =>
        {
            float[] wanted = expected[image];
            for (int i = 0; i < wanted.Length; i++)
            {
                signal += (double)wanted[i] * wanted[i];
                noise += ((double)numbers[i] - wanted[i]) * ((double)numbers[i] - wanted[i]);
            }

            if (classes.Problem is null) same += classes.Rank(wanted, 1)[0].Index == classes.Rank(numbers, 1)[0].Index ? 1 : 0;
        });
        return new QuantizedModel
        {
            Model = quantized,
            Images = count,
            Agreement = classes.Problem is null ? (double)same / count : null,
            SignalToNoise = noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise),
            Broken = broken,
            Notes = notes,
        };
    }
}
