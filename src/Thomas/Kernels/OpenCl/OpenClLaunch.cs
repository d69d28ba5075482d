using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>What an argument of a kernel is.</summary>
internal enum LaunchArgumentKind
{
    /// <summary>Memory of an operand of the node.</summary>
    Input,

    /// <summary>Memory of a result of the node.</summary>
    Output,

    /// <summary>Memory of the node's workspace.</summary>
    Workspace,

    /// <summary>Memory of the node's constants.</summary>
    Constants,

    /// <summary>The whole buffer that an operand of the node lies in, without a distance.</summary>
    Buffer,

    /// <summary>A 32-bit integer.</summary>
    Int,

    /// <summary>A 32-bit float.</summary>
    Float,

    /// <summary>Local memory.</summary>
    Local,
}

/// <summary>
/// An argument of a kernel. One of memory is two arguments of the OpenCL function, a buffer and a distance in bytes (macros <c>ARG</c> and <c>USE</c>): values
/// lie in one buffer, and sub-buffers would ask for another alignment on each device.
/// </summary>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Number of the operand or result.</param>
/// <param name="Value">Bytes from the beginning of that memory; of local memory its size; the integer.</param>
/// <param name="Number">The float.</param>
internal readonly record struct LaunchArgument(LaunchArgumentKind Kind, int Index = 0, long Value = 0, float Number = 0)
{
    /// <summary>
    /// The macro that stands for its elements' type in the source, which reads and writes them by GET, PUT and the like: then it may be an operand that lies in
    /// memory as 16-bit floats. Null where it must be float32. Arguments of the same macro are stored alike.
    /// </summary>
    public string? Element { get; init; }

    public static implicit operator LaunchArgument(int value) => new(LaunchArgumentKind.Int, Value: value);

    public static implicit operator LaunchArgument(float value) => new(LaunchArgumentKind.Float, Number: value);

    /// <summary>An operand.</summary>
    public static LaunchArgument Input(int index) => new(LaunchArgumentKind.Input, index);

    /// <summary>A result.</summary>
    public static LaunchArgument Output(int index = 0) => new(LaunchArgumentKind.Output, index);

    /// <summary>The workspace, from some byte on.</summary>
    public static LaunchArgument Workspace(long offset = 0) => new(LaunchArgumentKind.Workspace, Value: offset);

    /// <summary>The constants, from some byte on.</summary>
    public static LaunchArgument Constants(long offset = 0) => new(LaunchArgumentKind.Constants, Value: offset);

    /// <summary>The same with a macro for the type of its elements.</summary>
    public LaunchArgument As(string element) => this with { Element = element };

    /// <summary>So many bytes of local memory.</summary>
    public static LaunchArgument Local(long bytes) => new(LaunchArgumentKind.Local, Value: bytes);
}

/// <summary>Numbers of work-items in up to three dimensions; unused ones are 1.</summary>
internal readonly record struct WorkSize(int X, int Y = 1, int Z = 1)
{
    /// <summary>All of them.</summary>
    public long Count => (long)X * Y * Z;

    /// <summary>The least multiple of a group's size that covers these items.</summary>
    public WorkSize Cover(WorkSize group) => new(Up(X, group.X), Up(Y, group.Y), Up(Z, group.Z));

    private static int Up(int value, int step) => checked((value + step - 1) / step * step);
}

/// <summary>One enqueued function: program, function, work-items, arguments. It knows no device.</summary>
/// <param name="Program">Where the function stands.</param>
/// <param name="Function">Its name.</param>
/// <param name="Items">Work-items that there must be; rounded up to whole groups, so the function checks its bounds.</param>
/// <param name="Group">Work-items of a group.</param>
/// <param name="Arguments">Its arguments in order.</param>
internal sealed record OpenClLaunch(OpenClProgram Program, string Function, WorkSize Items, WorkSize Group, LaunchArgument[] Arguments)
{
    /// <summary>How it can be one launch with those that follow it; null if it cannot.</summary>
    public OpenClJoint? Joint { get; init; }

    /// <summary>Whether it runs only to fill the memory of the node's constants, once, before the first step.</summary>
    public bool IsOnce { get; init; }

    /// <summary>The launch for operands some of which lie in memory as 16-bit floats; null where the function cannot take them.</summary>
    public OpenClLaunch? Storing(HalfOperands halves)
    {
        if (halves == default) return this;
        Dictionary<string, bool> elements = [];
        string macros = "";
        foreach (LaunchArgument argument in Arguments)
        {
            if (argument.Kind is not (LaunchArgumentKind.Input or LaunchArgumentKind.Output or LaunchArgumentKind.Buffer)) continue;
            bool isHalf = halves.Contains(argument);
            if (argument.Element is not string element || argument.Value != 0)
            {
                if (isHalf) return null;
            }
            else if (elements.TryAdd(element, isHalf))
            {
                if (isHalf) macros += $"#define {element} half\n";
            }
            else if (elements[element] != isHalf)
            {
                return null;
            }
        }

        return macros.Length == 0 ? this : this with { Program = Program with { Macros = macros + Program.Macros } };
    }
}

/// <summary>
/// A function that does for several nodes what another one does for one. Its parameters are those of that one, but of memory that each node has for itself only
/// the buffer, and no count; the last is a table. For each group of work-items the table has the distances of that memory in units of
/// <see cref="Unit"/> bytes, the number of the group's first element and the number of elements, as 32-bit integers; a work-item does
/// <see cref="OpenClLimits.Vector"/> elements.
/// </summary>
/// <param name="Function">Its name, in the same program.</param>
/// <param name="Memories">Which arguments of the other function are memory that each node has for itself.</param>
/// <param name="Count">Which argument is the number of elements.</param>
internal sealed record OpenClJoint(string Function, int[] Memories, int Count)
{
    /// <summary>Bytes that distances are counted in: what values lie at multiples of.</summary>
    public const int Unit = 512;
}
