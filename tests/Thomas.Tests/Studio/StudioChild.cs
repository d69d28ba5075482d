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

    /// <summary>Serves a folder until it is killed, and says port and token.</summary>
    public static int Run(string folder)
    {
        StudioServer server = StudioServer.Start(StudioFixture.Settings(folder)).GetAwaiter().GetResult();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{server.Port} {server.Token}"));
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    /// <summary>Starts the program.</summary>
    public static Process Start(string folder)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(typeof(StudioChild).Assembly.Location);
        start.ArgumentList.Add(Command);
        start.ArgumentList.Add(folder);
        return Process.Start(start)!;
    }
}
