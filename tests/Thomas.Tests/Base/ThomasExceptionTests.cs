using System;

using Xunit;

namespace Thomas.Tests.Base;

public sealed class ThomasExceptionTests
{
    [Fact]
    public void A_model_error_names_file_place_and_problem()
    {
        ModelFormatException error = new("net.onnx", "node 'conv1'", "the filter is missing");
        Assert.Equal("net.onnx: node 'conv1': the filter is missing", error.Message);
        Assert.Equal(("net.onnx", "node 'conv1'"), (error.File, error.Place));
        Assert.Equal("net.onnx: it is empty", new ModelFormatException("net.onnx", "", "it is empty").Message);
    }

    [Fact]
    public void An_unsupported_model_lists_every_operator()
    {
        UnsupportedModelException error = new("net.tflite", ["FlexSave", "WHILE (version 3)"]);
        Assert.Equal(["FlexSave", "WHILE (version 3)"], error.Operators);
        Assert.Contains(
            "net.tflite: the model needs 2 operators that are not supported: FlexSave, WHILE (version 3).", error.Message, StringComparison.Ordinal);
        Assert.Contains("an operator that is not supported: LSTM.", new UnsupportedModelException("x", ["LSTM"]).Message, StringComparison.Ordinal);
        Assert.IsAssignableFrom<ModelFormatException>(error);
    }

    [Fact]
    public void Every_kind_is_caught_as_a_ThomasException()
    {
        InvalidOperationException cause = new("cause");
        ThomasException[] errors = [
            new("a", cause), new ModelFormatException("f", "p", "a", cause), new DataException("a", cause), new ImageFormatException("a", cause),
            new OutputException("a", cause)];
        Assert.All(errors, error => Assert.Same(cause, error.InnerException));
        Assert.IsAssignableFrom<DataException>(errors[3]);
    }
}
