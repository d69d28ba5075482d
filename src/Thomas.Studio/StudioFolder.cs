using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;

namespace Thomas.Studio;

/// <summary>The folder of a studio, and the lock of the one program that works in it.</summary>
internal sealed class StudioFolder : IDisposable
{
    private const string LockName = "studio.lock", PortName = "port";
    private const int LongestPort = 16;

    // The system's number of the error that another has the lock: Windows, Linux, macOS.
    private const int SharingViolation = unchecked((int)0x80070020), WouldBlockLinux = 11, WouldBlockMac = 35;

    private static readonly TimeSpan TimeBetweenTries = TimeSpan.FromMilliseconds(100);

    private readonly FileStream _lock;

    private StudioFolder(string path, FileStream @lock) => (Path, _lock) = (path, @lock);

    /// <summary>Its full path.</summary>
    public string Path { get; }

    public string Models => At("models");

    public string Projects => At("projects");

    public string Tls => At("tls");

    /// <summary>The port of the last start that asked for any.</summary>
    public int? LastPort
    {
        get
        {
            try
            {
                string text = Encoding.ASCII.GetString(InputFile.ReadAll(At(PortName), LongestPort));
                return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and < 65_536 ? port : null;
            }
            catch (Exception e) when (InputFile.IsReadError(e))
            {
                return null;
            }
        }
    }

    /// <summary>Notes a port for the next start.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void KeepPort(int port) =>
        AtomicFile.Write(At(PortName), stream => stream.Write(Encoding.ASCII.GetBytes(port.ToString(CultureInfo.InvariantCulture))));

    /// <summary>The usual folder of a user.</summary>
    /// <exception cref="OutputException">The user has none.</exception>
    public static string Default()
    {
        string data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return data.Length > 0
            ? System.IO.Path.Combine(data, "thomas", "studio")
            : throw new OutputException("There is no folder for your data, since no home folder is set; give one with --folder.");
    }

    /// <summary>Takes a folder, which is made if it does not exist, for its owner alone.</summary>
    /// <param name="folder">Its path.</param>
    /// <param name="wait">How long to wait while another program has it.</param>
    /// <exception cref="DataException">Another program works in it.</exception>
    /// <exception cref="OutputException">It cannot be made or written to.</exception>
    public static StudioFolder Open(string folder, TimeSpan wait = default)
    {
        string path = System.IO.Path.GetFullPath(folder);
        long start = Stopwatch.GetTimestamp();
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
            else Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            while (true)
            {
                try
                {
                    string name = System.IO.Path.Combine(path, LockName);
                    return new StudioFolder(path, new FileStream(name, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));
                }
                catch (IOException e) when (IsTaken(e) && Stopwatch.GetElapsedTime(start) < wait)
                {
                    Thread.Sleep(TimeBetweenTries);
                }
            }
        }
        catch (IOException e) when (IsTaken(e))
        {
            throw new DataException($"The folder '{path}' is in use by another studio; close it there, or give another one with --folder.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new OutputException($"The studio's folder '{path}' cannot be used: {e.Message}", e);
        }
    }

    public void Dispose() => _lock.Dispose();

    private static bool IsTaken(IOException e) => e.HResult is SharingViolation or WouldBlockLinux or WouldBlockMac;

    private string At(string name) => System.IO.Path.Combine(Path, name);
}
