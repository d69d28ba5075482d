using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Programs that are kept on disk.</summary>
public sealed class OpenClBinaryTests
{
    private static readonly float[] X = TestGraphs.Noise(60, 3);

    [Fact]
    public void They_are_built_once()
    {
        using TemporaryFolder folder = new();
        float[] expected = Run(OpenClTesting.Open(folder: folder.Path), out (int Source, int Binary) counts);
        Assert.Equal((2, 0), counts);
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
        Assert.Equal(expected, Run(OpenClTesting.Open(folder: folder.Path), out counts));
        Assert.Equal((0, 2), counts);
        Run(OpenClTesting.Open(folder: folder.Path, driver: "another"), out counts);
        Assert.Equal((2, 0), counts);
        Run(OpenClTesting.Open(folder: folder.Path, words: "no-self-test fast-math"), out counts);
        Assert.Equal((2, 0), counts);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("cut off")]
    [InlineData("changed")]
    [InlineData("foreign")]
    [InlineData("exchanged")]
    [InlineData("folder")]
    public void What_is_not_a_binary_of_its_own_is_built_anew(string damage)
    {
        using TemporaryFolder folder = new();
        float[] expected = Run(OpenClTesting.Open(folder: folder.Path), out _);
        string[] files = Directory.GetFiles(folder.Path);
        byte[] last = File.ReadAllBytes(files[^1]);
        foreach (string file in files)
        {
            byte[] content = File.ReadAllBytes(file);
            switch (damage)
            {
                case "empty": content = []; break;
                case "cut off": content = content[..^7]; break;
                case "changed": content[content.Length / 2] ^= 1; break;
                case "foreign": content = [.. "#!/bin/sh\n"u8]; break;
                case "exchanged": (content, last) = (last, content); break;
                default:
                    File.Delete(file);
                    Directory.CreateDirectory(file);
                    continue;
            }

            File.WriteAllBytes(file, content);
        }

        Assert.Equal(expected, Run(OpenClTesting.Open(folder: folder.Path), out (int Source, int Binary) counts));
        Assert.Equal((2, 0), counts);
        Assert.Equal(expected, Run(OpenClTesting.Open(folder: folder.Path), out counts));
        Assert.Equal(damage == "folder" ? (2, 0) : (0, 2), counts);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_no_error()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["file"], "");
        Run(OpenClTesting.Open(folder: folder["file"]), out (int Source, int Binary) counts);
        Assert.Equal((2, 0), counts);
    }

    [Fact]
    public async Task Several_may_write_one_folder_at_once()
    {
        using TemporaryFolder folder = new();
        float[] expected = Run(OpenClTesting.Open(), out _);
        float[][] results = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => Task.Run(() => Run(OpenClTesting.Open(folder: folder.Path), out (int, int) _))));
        Assert.All(results, result => Assert.Equal(expected, result));
        Assert.All(Directory.GetFiles(folder.Path), file => Assert.Equal(".clbin", Path.GetExtension(file)));
        Run(OpenClTesting.Open(folder: folder.Path), out (int Source, int Binary) counts);
        Assert.Equal((0, 2), counts);
    }

    private static float[] Run(OpenClDevice device, out (int Source, int Binary) counts)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(3, 20)));
        Value y = builder.Add(OpCatalog.Softmax, [builder.Add(OpCatalog.Exp, [x])], new SoftmaxAttributes());
        using Executable executable = Executable.CompileAsIs(builder.Build(y), new CompileOptions { OtherDevice = device, Threads = 1 });
        executable.Write(0, X);
        executable.Run();
        float[] result = new float[X.Length];
        executable.Read(0, result);
        counts = device.Programs.Counts;
        return result;
    }
}
