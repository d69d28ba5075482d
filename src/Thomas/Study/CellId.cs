using System.Globalization;

namespace Thomas.Study;

/// <summary>Identities of cells: the same in every report that measures the same, so that reports can be compared.</summary>
internal static class CellId
{
    /// <summary>The identity of a time or a profile.</summary>
    public static string Of(string experiment, string stage, string model, string policy, int batch, StudyDevice device) =>
        string.Create(CultureInfo.InvariantCulture, $"{experiment}/{stage}/{model}/{policy}/{batch}/{device.Key}");

    /// <summary>The identity of a training run.</summary>
    public static string OfRun(string experiment, string model, string data, string policy, string device, ulong seed) =>
        string.Create(CultureInfo.InvariantCulture, $"{experiment}/accuracy/{model}/{data}/{policy}/{device}/{seed}");
}
