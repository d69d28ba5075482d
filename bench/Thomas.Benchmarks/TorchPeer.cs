using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>Training steps in PyTorch: a process of <c>bench/peer_torch.py</c> that makes a step for each line that it reads.</summary>
internal sealed class TorchPeer : IDeviceTrial
{
    private const string Done = "done";

    private readonly Process _process;

    /// <summary>Starts the process and waits until it has built the network.</summary>
    /// <param name="python">The Python program.</param>
    /// <param name="network">A network that the script knows.</param>
    /// <param name="batch">Images of a step.</param>
    /// <param name="threads">Threads of PyTorch.</param>
    /// <exception cref="ThomasException">It does not run: there is no Python, or no PyTorch.</exception>
    public TorchPeer(string python, string network, int batch, int threads)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "peer_torch.py"), network, "--serve", "--batch", batch.ToString(CultureInfo.InvariantCulture), "--threads",
            threads.ToString(CultureInfo.InvariantCulture),
        ];
        try
        {
            _process = Process.Start(new ProcessStartInfo(python, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ThomasException($"Cannot start '{python}': {e.Message}", e);
        }

        if (_process.StandardOutput.ReadLine() is string name) Name = name;
        else
        {
            Dispose();
            throw new ThomasException($"'{python}' cannot run PyTorch; its error is above.");
        }
    }

    /// <summary>Its name and version.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public void Run()
    {
        _process.StandardInput.Write("step\n");
        _process.StandardInput.Flush();
        if (_process.StandardOutput.ReadLine() != Done) throw new ThomasException("PyTorch ended during a step; its error is above.");
    }

    /// <summary>Ends the process by the end of what it reads.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
