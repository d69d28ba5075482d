using System;
using System.Diagnostics.CodeAnalysis;

namespace Thomas;

/// <summary>How the program was built.</summary>
internal static class Build
{
    /// <summary>Why a program that is linked statically does without a library of the system.</summary>
    public const string NoLibraries = "this build cannot load libraries";

    /// <summary>Whether the program holds all it needs, the system's C library too, and can load no library while it runs.</summary>
    [FeatureSwitchDefinition("Thomas.StaticBuild")]
    public static bool IsStatic => AppContext.TryGetSwitch("Thomas.StaticBuild", out bool isStatic) && isStatic;
}
