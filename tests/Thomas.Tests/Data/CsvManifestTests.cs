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
        Dataset dataset = Load("1.jpg,a,train\n2.jpg,a,Validation\n1.jpg,b,test\n2.jpg,b,val\n1.jpg,b,training\n");
        Assert.Equal([Subset.Train, Subset.Validation, Subset.Test, Subset.Validation, Subset.Train], dataset.Samples.Select(sample => sample.Subset));
    }

    /// <summary>Manifests as programs write them: columns in other orders and with other names, other separators, an index, remarks.</summary>
    [Theory]
    [InlineData("filename,label\n1.jpg,dog\n2.jpg,cat\n")]
    [InlineData("image_path,class\n1.jpg,dog\n2.jpg,cat\n")]
    [InlineData("Category,File Name\ndog,1.jpg\ncat,2.jpg\n")]
    [InlineData(",path,label\n0,1.jpg,dog\n1,2.jpg,cat\n")]
    [InlineData("Unnamed: 0,image,width,class_name\n0,1.jpg,640,dog\n1,2.jpg,480,cat\n")]
    [InlineData("0,1.jpg,dog\n1,2.jpg,cat\n")]
    [InlineData("dog,1.jpg\ncat,2.jpg\n")]
    [InlineData("path;label\n1.jpg;dog\n2.jpg;cat\n")]
    [InlineData("1.jpg;dog\n2.jpg;cat\n")]
    [InlineData("path\tlabel\n1.jpg\tdog\n2.jpg\tcat\n")]
    [InlineData("1.jpg\tdog\r\n2.jpg\tcat\r\n")]
    [InlineData("1.jpg|dog\n2.jpg|cat\n")]
    [InlineData("# made by hand\npath,label\n1.jpg,dog\n# a remark, with a comma\n2.jpg,cat\n")]
    [InlineData("./1.jpg,dog\n.\\2.jpg,cat\n")]
    [InlineData("path,label,split\n1.jpg,dog,\n2.jpg,cat,\n,,\n,,\n")]
    public void Other_forms_are_read_alike(string text)
    {
        Dataset dataset = Load(text);
        Assert.Equal(["cat", "dog"], dataset.ClassNames);
        Assert.Equal([1, 0], dataset.Samples.Select(sample => sample.ClassIndex));
        Assert.Equal([_folder["1.jpg"], _folder["2.jpg"]], dataset.Samples.Select(sample => Path.GetFullPath(sample.Image.Name)));
        Assert.All(dataset.Samples, sample => Assert.Equal(Subset.Unassigned, sample.Subset));
        Assert.Empty(dataset.Notes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Text_in_16_bit_characters_is_read(bool isBigEndian)
    {
        File.WriteAllText(_folder["list.csv"], "path,label\n1.jpg,Bär\n2.jpg,cat\n", new UnicodeEncoding(isBigEndian, byteOrderMark: true));
        Assert.Equal(["Bär", "cat"], CsvManifest.Load(_folder["list.csv"]).ClassNames);
    }

    [Theory]
    [InlineData("TRAIN,1.jpg,dog\nVALIDATION,2.jpg,cat\nTEST,3.jpg,cat\n")]
    [InlineData("1.jpg,dog,Train\n2.jpg,cat,dev\n3.jpg,cat,test_set\n")]
    [InlineData("split,path,label\ntrain,1.jpg,dog\nval,2.jpg,cat\ntest,3.jpg,cat\n")]
    [InlineData("ML_USE;image;category\nTRAINING;1.jpg;dog\nVALIDATION;2.jpg;cat\nTEST;3.jpg;cat\n")]
    [InlineData("0,1.jpg,dog,train\n1,2.jpg,cat,eval\n2,3.jpg,cat,testing\n")]
    public void Splits_are_read_wherever_they_stand(string text)
    {
        File.WriteAllText(_folder["3.jpg"], "x", Encoding.ASCII);
        Dataset dataset = Load(text);
        Assert.Equal(["cat", "dog"], dataset.ClassNames);
        Assert.Equal([Subset.Train, Subset.Validation, Subset.Test], dataset.Samples.Select(sample => sample.Subset));
    }

    [Fact]
    public void Missing_images_are_listed_at_once_and_passed_over_by_request()
    {
        const string Text = "path,label\n1.jpg,dog\nx.jpg,dog\n2.jpg,cat\ny.jpg,cat\n";
        string message = Assert.Throws<DataException>(() => Load(Text)).Message;
        Assert.Contains("2 of 4 images do not exist: 'x.jpg' (line 3), 'y.jpg' (line 5)", message, StringComparison.Ordinal);
        Assert.Contains("--skip-missing", message, StringComparison.Ordinal);
        Dataset dataset = Load(Text, skipMissing: true);
        Assert.Equal([1, 1], dataset.CountByClass());
        Assert.Contains("2 of 4 images do not exist", Assert.Single(dataset.Notes), StringComparison.Ordinal);
        Assert.Throws<DataException>(() => Load("path,label\nx.jpg,a\ny.jpg,b\n", skipMissing: true));
    }

    [Theory]
    [InlineData("1.jpg,dog\n1.jpg,cat\n2.jpg,cat\n", "under two labels", "'1.jpg' (lines 1 and 2)")]
    [InlineData("1.jpg,dog\n2.jpg,cat\n./1.jpg,dog\n", "listed twice", "'./1.jpg' (lines 1 and 3)")]
    [InlineData("1.jpg,dog,train\n2.jpg,cat,train\n1.jpg,dog,val\n", "in two parts", "'1.jpg' (lines 1 and 3)")]
    public void Images_that_stand_there_more_than_once_are_named(string text, params string[] parts)
    {
        string note = Assert.Single(Load(text).Notes);
        Assert.All(parts, part => Assert.Contains(part, note, StringComparison.Ordinal));
    }

    [Fact]
    public void Columns_with_unknown_names_are_named()
    {
        string message = Assert.Throws<DataException>(() => Load("foo,bar\n1.jpg,dog\n2.jpg,cat\n")).Message;
        Assert.Contains("the columns 'foo', 'bar' are not known", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.jpg,a\n2.jpg\n", "line 2: found 1 field(s)")]
    [InlineData("1.jpg,a\n\n2.jpg,a,train,x\n", "line 3: found 4 field(s)")]
    [InlineData("path,label\n1.jpg,\n", "line 2: the label is empty")]
    [InlineData("\"\",a\n", "line 1: the path is empty")]
    [InlineData("1.jpg,a\n\"x\ny\",b\n3.jpg,b\n", "2 of 3 images do not exist: 'x\\ny' (line 2), '3.jpg' (line 4)")]
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
    public void Parts_with_other_classes_are_matched_by_name()
    {
        Dataset data = Load("1.jpg,a,train\n2.jpg,b,train\n1.jpg,a,val\n2.jpg,c,val\n1.jpg,c,test\n2.jpg,b,test\n");
        Assert.Equal(["a", "b"], data.ClassNames);
        Assert.Equal((2, 1, 1), (data.Only(Subset.Train).Samples.Count, data.Only(Subset.Validation).Samples.Count, data.Only(Subset.Test).Samples.Count));
        string notes = string.Join('\n', data.Notes);
        Assert.Contains("'val' has images of 'c', which 'train' does not have; they are passed over", notes, StringComparison.Ordinal);
        Assert.Contains("'test' has images of 'c'", notes, StringComparison.Ordinal);

        // Without a part to learn from, nothing is passed over: this is what evaluation is given.
        Assert.Equal(["a", "b"], Load("1.jpg,a,val\n2.jpg,b,test\n").ClassNames);

        // Where nothing would be left to check, training says so.
        Assert.Contains(
            "no training images for 'b'", Assert.Throws<DataException>(() => Load("1.jpg,a,train\n2.jpg,b,val\n").CheckTrainable()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_binary_manifests_are_refused()
    {
        Assert.Contains("cannot be read", Assert.Throws<DataException>(() => CsvManifest.Load(_folder["absent.csv"])).Message, StringComparison.Ordinal);
        File.WriteAllBytes(_folder["binary.csv"], [0xC3, 0x28, 0xFF]);
        Assert.Contains("UTF-8", Assert.Throws<DataException>(() => CsvManifest.Load(_folder["binary.csv"])).Message, StringComparison.Ordinal);
    }

    private Dataset Load(string text, bool skipMissing = false)
    {
        File.WriteAllText(_folder["list.csv"], text, new UTF8Encoding(false));
        return CsvManifest.Load(_folder["list.csv"], skipMissing);
    }
}
