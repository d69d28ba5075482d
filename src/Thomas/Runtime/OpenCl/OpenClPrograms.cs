using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// The programs of a device, each built once, on threads of their own from the moment that a kernel is chosen. One that the compiler refuses is remembered, so
/// that its kernels are replaced.
/// </summary>
internal sealed unsafe class OpenClPrograms
{
    private const int MostBuilders = 8;
    private static readonly SemaphoreSlim Many = new(Math.Min(Environment.ProcessorCount, MostBuilders)), One = new(1);

    private readonly OpenClDeviceInfo _info;
    private readonly OpenClSettings _settings;
    private readonly nint _context;
    private readonly OpenClBinaries? _binaries;
    private readonly OpenClFaults? _faults;
    private readonly ConcurrentDictionary<OpenClProgram, Lazy<Task<Built>>> _programs = new();
    private readonly ConcurrentDictionary<OpenClProgram, string> _problems = new();
    private int _fromSource, _fromBinary;

    /// <param name="info">The device.</param>
    /// <param name="settings">How it is used.</param>
    /// <param name="context">Its context.</param>
    /// <param name="faults">What goes wrong, in tests; null for nothing.</param>
    public OpenClPrograms(OpenClDeviceInfo info, OpenClSettings settings, nint context, OpenClFaults? faults)
    {
        (_info, _settings, _context, _faults) = (info, settings, context, faults);
        _binaries = settings.BinaryFolder is string folder ? new OpenClBinaries(folder, info, settings.CompilerOptions(info)) : null;
    }

    /// <summary>What is wrong with programs that cannot be used, a sentence each.</summary>
    public IReadOnlyCollection<string> Problems => [.. _problems.Values];

    /// <summary>Programs that were built from source, and those whose binaries were found.</summary>
    public (int Source, int Binary) Counts => (_fromSource, _fromBinary);

    /// <summary>Begins to build a program, unless that was done before.</summary>
    public void Start(OpenClProgram program) => _ = TaskOf(program);

    /// <summary>Whether a program is known to be of no use.</summary>
    public bool IsBroken(OpenClProgram program) => _problems.ContainsKey(program);

    /// <summary>Gives up a program.</summary>
    /// <param name="program">The program.</param>
    /// <param name="problem">Why, as a sentence.</param>
    public void Break(OpenClProgram program, string problem) => _problems.TryAdd(program, problem);

    /// <summary>Waits for a program. Says whether it can be used.</summary>
    public bool IsReady(OpenClProgram program)
    {
        Built built = TaskOf(program).GetAwaiter().GetResult();
        if (built.Problem is string problem) Break(program, problem);
        return !IsBroken(program);
    }

    /// <summary>A function of a program that is ready.</summary>
    /// <exception cref="OpenClException">The program was not built, or has no such function.</exception>
    public nint CreateKernel(OpenClProgram program, string function)
    {
        Built built = TaskOf(program).GetAwaiter().GetResult();
        if (built.Problem is string problem) throw new OpenClException(problem, ClError.BuildFailed);
        int status;
        nint kernel;
        fixed (byte* name = Encoding.UTF8.GetBytes(function + '\0'))
        {
            kernel = Cl.clCreateKernel(built.Program, name, &status);
        }

        ClError.Check(status, _info.Name, $"find the function '{function}' of '{program.Name}'");
        return kernel;
    }

    private Task<Built> TaskOf(OpenClProgram program) => _programs.GetOrAdd(
        program, static (program, programs) => new Lazy<Task<Built>>(() => Task.Run(() => programs.Build(program))), this).Value;

    private Built Build(OpenClProgram program)
    {
        SemaphoreSlim builders = _settings.BuildsOneByOne ? One : Many;
        builders.Wait();
        try
        {
            if (_faults?.Refuses?.Invoke(program) == true)
            {
                return new Built(0, $"The device '{_info.Name}' cannot build '{program.Name}': a fault was asked for.");
            }

            byte[] text = Encoding.UTF8.GetBytes(program.Text);
            if (_binaries?.Find(text) is byte[] binary && FromBinary(binary) is nint found)
            {
                Interlocked.Increment(ref _fromBinary);
                return new Built(found, null);
            }

            Built built = FromSource(program, text);
            Interlocked.Increment(ref _fromSource);
            if (built.Problem is null && _binaries is not null && BinaryOf(built.Program) is byte[] made) _binaries.Keep(text, made);
            return built;
        }
        catch (OpenClException e)
        {
            return new Built(0, e.Message);
        }
        finally
        {
            builders.Release();
        }
    }

    private Built FromSource(OpenClProgram program, byte[] text)
    {
        int status;
        nint built;
        fixed (byte* first = text)
        {
            byte* start = first;
            nuint length = (nuint)text.Length;
            built = Cl.clCreateProgramWithSource(_context, 1, &start, &length, &status);
        }

        ClError.Check(status, _info.Name, $"read the source of '{program.Name}'");
        status = Build(built);
        if (status == Cl.Success) return new Built(built, null);
        string log = LogOf(built);
        _ = Cl.clReleaseProgram(built);
        return new Built(0, $"The device '{_info.Name}' cannot build '{program.Name}': {ClError.NameOf(status)}. {log}".TrimEnd());
    }

    /// <summary>A program from a binary of an earlier process; null if the driver does not take it.</summary>
    private nint? FromBinary(byte[] binary)
    {
        nint device = _info.Handle;
        int status, own;
        nint built;
        fixed (byte* first = binary)
        {
            byte* start = first;
            nuint length = (nuint)binary.Length;
            built = Cl.clCreateProgramWithBinary(_context, 1, &device, &length, &start, &own, &status);
        }

        if (status != Cl.Success) return null;
        if (own == Cl.Success && Build(built) == Cl.Success) return built;
        _ = Cl.clReleaseProgram(built);
        return null;
    }

    private int Build(nint program)
    {
        nint device = _info.Handle;
        fixed (byte* options = Encoding.UTF8.GetBytes(_settings.CompilerOptions(_info) + '\0'))
        {
            return Cl.clBuildProgram(program, 1, &device, options, 0, 0);
        }
    }

    private static byte[]? BinaryOf(nint program)
    {
        nuint size = 0;
        if (Cl.clGetProgramInfo(program, ClConstant.ProgramBinarySizes, (nuint)sizeof(nuint), &size, null) != Cl.Success) return null;
        if (size == 0 || size > OpenClBinaries.MostBytes) return null;
        byte[] binary = new byte[(int)size];
        fixed (byte* first = binary)
        {
            byte* start = first;
            return Cl.clGetProgramInfo(program, ClConstant.ProgramBinaries, (nuint)sizeof(nint), &start, null) == Cl.Success ? binary : null;
        }
    }

    /// <summary>The first lines of what the compiler said.</summary>
    private string LogOf(nint program)
    {
        const int MostCharacters = 600;
        nuint size = 0;
        if (Cl.clGetProgramBuildInfo(program, _info.Handle, ClConstant.BuildLog, 0, null, &size) != Cl.Success || size == 0 || size > 1 << 24) return "";
        byte[] log = new byte[(int)size];
        fixed (byte* first = log)
        {
            if (Cl.clGetProgramBuildInfo(program, _info.Handle, ClConstant.BuildLog, size, first, null) != Cl.Success) return "";
        }

        string text = OpenClDeviceInfo.Clean(log);
        return text.Length > MostCharacters ? $"{text.AsSpan(0, MostCharacters)}..." : text;
    }

    /// <summary>The end of a build.</summary>
    /// <param name="Program">Its handle; 0 if it failed.</param>
    /// <param name="Problem">Why it failed, as a sentence; null if it did not.</param>
    private sealed record Built(nint Program, string? Problem);
}
