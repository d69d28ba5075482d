using System;
using System.IO;

namespace Thomas.Tests.Data;

/// <summary>A folder that lives as long as a test.</summary>
/// <param name="onDisk">Whether it must be on a disk. Otherwise it is in memory where the system offers that, since safe writing waits for the disk thousands
/// of times.</param>
internal sealed class TemporaryFolder(bool onDisk = false) : IDisposable
{
    private const string Memory = "/dev/shm";
    private const long Enough = 4L << 30;

    private static readonly bool HasMemory = OperatingSystem.IsLinux() && Directory.Exists(Memory) && new DriveInfo(Memory).AvailableFreeSpace >= Enough;

    public string Path { get; } = HasMemory && !onDisk
        ? Directory.CreateDirectory(System.IO.Path.Combine(Memory, $"thomas-test-{Guid.NewGuid():N}")).FullName
        : Directory.CreateTempSubdirectory("thomas-test-").FullName;

    public string this[params string[] parts] => System.IO.Path.Combine([Path, .. parts]);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
