using System;
using System.Threading.Tasks;
using Thomas.Cli;
using Thomas.Tests.Studio;
using Thomas.Tests.Training;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Thomas.Tests;

/// <summary>Runs the tests; or, for tests that kill it, a program of its own.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        if (args is [CheckpointChild.Command, string folder, string kind]) return Task.FromResult(CheckpointChild.Run(folder, kind));
        if (args is [TuningSessionChild.Command, string session]) return Task.FromResult(TuningSessionChild.Run(session));
        if (args is [StudioChild.CommandLine, .. string[] line]) return Task.FromResult(ThomasCommand.Invoke(line, Console.Out, Console.Error));
        if (args is [StudioChild.Command, string studio]) return Task.FromResult(StudioChild.Run(studio));
        return Array.Exists(args, arg => arg is "-automated" or "@@")
            ? ConsoleRunner.Run(args)
            : TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
    }
}
