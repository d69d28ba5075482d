using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using Thomas.Studio;

namespace Thomas.Tests.Studio;

/// <summary>A studio in a program of its own, which a test kills.</summary>
internal static class StudioChild
{
    public const string Command = "studio-child";

    /// <summary>Runs the command line that follows.</summary>
    public const string CommandLine = "thomas";

    /// <summary>Serves a folder until it is killed, and says port and token.</summary>
    public static int Run(string folder)
    {
        StudioServer server = StudioServer.Start(StudioFixture.Settings(folder)).GetAwaiter().GetResult();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{server.Port} {server.Token}"));
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    /// <summary>Starts the program.</summary>
    public static Process Start(string folder) => Start([Command, folder], isFed: false);

    /// <summary>Starts the command line with an open standard input.</summary>
    public static Process StartCommand(params string[] args) => Start([CommandLine, .. args], isFed: true);

    private static Process Start(string[] args, bool isFed)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardInput = isFed, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(typeof(StudioChild).Assembly.Location);
        foreach (string arg in args) start.ArgumentList.Add(arg);
        return Process.Start(start)!;
    }
}
