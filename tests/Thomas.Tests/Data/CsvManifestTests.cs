using System;
using System.IO;
using System.Linq;
using System.Text;

using Thomas.Data;

using Xunit;

namespace Thomas.Tests.Data;

public sealed class CsvManifestTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CsvManifestTests()
    {
        foreach (string name in new[] { "1.jpg", "2.jpg", "a, \"b\".jpg" })
        {
            File.WriteAllText(_folder[name], "x", Encoding.ASCII);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1.jpg,dog\n2.jpg,cat\n")]
    [InlineData("path,label\r\n1.jpg,dog\r\n2.jpg,cat")]
    [InlineData("PATH , Label , split\n\n 1.jpg , dog ,\n\n2.jpg,\"cat\",\n\n")]
    [InlineData("\uFEFFpath,label\n1.jpg,dog\n2.jpg,cat\n")]
    [InlineData("1.jpg,dog\r2.jpg,cat\r")]
    public void Lines_become_samples_in_their_order(string text)
    {
        Dataset dataset = Load(text);
        Assert.Equal(["cat", "dog"], dataset.ClassNames);
        Assert.Equal(
            [(_folder["1.jpg"], 1, Subset.Unassigned), (_folder["2.jpg"], 0, Subset.Unassigned)],
            dataset.Samples.Select(s => (s.Image.Name, s.ClassIndex, s.Subset)));
    }

    [Fact]
    public void Quotes_protect_commas_quotes_and_line_ends()
    {
        Dataset dataset = Load("\"a, \"\"b\"\".jpg\",\"two\nlines\"\n1.jpg,x\n");
        Assert.Equal(["two\nlines", "x"], dataset.ClassNames);
        Assert.Equal(_folder["a, \"b\".jpg"], dataset.Samples[0].Image.Name);
    }

    [Fact]
    public void Splits_are_read()
    {
        Dataset dataset = Load("1.jpg,a,train\n2.jpg,a,Validation\n1.jpg,b,test\n2.jpg,b,val\n");
        Assert.Equal([Subset.Train, Subset.Validation, Subset.Test, Subset.Validation], dataset.Samples.Select(sample => sample.Subset));
    }

    [Theory]
    [InlineData("1.jpg,a\n2.jpg\n", "line 2: found 1 field(s)")]
    [InlineData("1.jpg,a\n\n2.jpg,a,train,x\n", "line 3: found 4 field(s)")]
    [InlineData("path,label\n1.jpg,\n", "line 2: the label is empty")]
    [InlineData("\"\",a\n", "line 1: the path is empty")]
    [InlineData("1.jpg,a\n\"x\ny\",b\n3.jpg,b\n", "line 2: the image 'x\\ny' does not exist")]
    [InlineData("1.jpg,\"two\nlines\"\n3.jpg,b\n", "line 3: the image '3.jpg' does not exist")]
    [InlineData("1.jpg,a,learn\n", "line 1: the split is 'learn'")]
    [InlineData("1.jpg,a,train\n2.jpg,a\n", "line 2: some lines name a split")]
    [InlineData("1.jpg,a\n2.jpg,\"b\n", "line 2: a double quote is never closed")]
    [InlineData("1.jpg,a\n2.jpg,\"b\"c\n", "line 2: 'c' after a closing double quote")]
    [InlineData("path,label\n", "lists no images")]
    [InlineData("", "lists no images")]
    public void Errors_name_file_and_line(string text, string expected)
    {
        DataException error = Assert.Throws<DataException>(() => Load(text));
        Assert.Contains("list.csv", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_binary_manifests_are_refused()
    {
        Assert.Contains("cannot be read", Assert.Throws<DataException>(() => CsvManifest.Load(_folder["absent.csv"])).Message, StringComparison.Ordinal);
        File.WriteAllBytes(_folder["binary.csv"], [0xC3, 0x28, 0xFF]);
        Assert.Contains("UTF-8", Assert.Throws<DataException>(() => CsvManifest.Load(_folder["binary.csv"])).Message, StringComparison.Ordinal);
    }

    private Dataset Load(string text)
    {
        File.WriteAllText(_folder["list.csv"], text, new UTF8Encoding(false));
        return CsvManifest.Load(_folder["list.csv"]);
    }
}
