using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Thomas.Runtime;

/// <summary>How a device did when devices were timed.</summary>
/// <param name="Name">Its name, as <c>--device</c> takes it.</param>
/// <param name="Description">What it is, with its driver.</param>
/// <param name="Milliseconds">The least time of a run; null if it failed.</param>
/// <param name="CompileSeconds">What compiling for it and the first run took, which are no part of the time.</param>
/// <param name="IsCutShort">Whether it was timed no further, being clearly slower than another.</param>
/// <param name="Problem">Why it failed; null if it did not.</param>
public sealed record DeviceTime(string Name, string Description, double? Milliseconds, double CompileSeconds, bool IsCutShort, string? Problem);

/// <summary>The device that is fastest at some work, and what that was found by. <see cref="Training.DeviceChooser"/> finds it.</summary>
public sealed record DeviceChoice
{
    /// <summary>Options that compile for the chosen device.</summary>
    public required CompileOptions Compile { get; init; }

    /// <summary>Name of the chosen device.</summary>
    public required string Name { get; init; }

    /// <summary>What was timed, as in "a training step of 8 images".</summary>
    public required string Work { get; init; }

    /// <summary>All devices that were timed, in the order of their timing.</summary>
    public required IReadOnlyList<DeviceTime> Times { get; init; }

    /// <summary>Whether the times are those of an earlier run.</summary>
    public bool IsRemembered { get; init; }

    /// <summary>The choice and the times of all devices on one line.</summary>
    public string ToLine()
    {
        List<string> times = [];
        foreach (DeviceTime time in Times)
            times.Add(time.Milliseconds is double ms ? $"{time.Name} {Format(ms)} ms" : $"{time.Name} failed");
        return $"{Name} is the fastest for {Work}: {string.Join(", ", times)}{(IsRemembered ? "; timed in an earlier run" : "")}";
    }

    /// <summary>A line for each device, and one for the choice.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        int width = 0;
        foreach (DeviceTime time in Times) width = Math.Max(width, time.Name.Length);
        foreach (DeviceTime time in Times)
        {
            text.Append(time.Name.PadRight(width)).Append("  ");
            if (time.Milliseconds is double ms)
            {
                text.Append(CultureInfo.InvariantCulture, $"{Format(ms),9} ms  {VisibleText.Of(time.Description)}; compiling took {time.CompileSeconds:F2} s")
                    .Append(time.IsCutShort ? ", stopped early" : "");
            }
            else
            {
                text.Append($"{"failed",12}  {VisibleText.Of(time.Description)}: {VisibleText.Of(time.Problem ?? "")}");
            }

            text.Append('\n');
        }

        return text.Append($"{Name} is the fastest for {Work}{(IsRemembered ? ", as timed in an earlier run" : "")}").ToString();
    }

    private static string Format(double milliseconds) =>
        milliseconds.ToString(milliseconds < 10 ? "F2" : milliseconds < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);
}
