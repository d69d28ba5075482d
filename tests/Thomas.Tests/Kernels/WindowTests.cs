using System;
using System.Linq;
using Thomas.Kernels;
using Xunit;

namespace Thomas.Tests.Kernels;

public class WindowTests
{
    [Fact]
    public void Taps_are_those_inside_the_input()
    {
        for (int origin = -9; origin < 12; origin++)
        {
            for (int kernel = 1; kernel < 5; kernel++)
            {
                for (int dilation = 1; dilation < 4; dilation++)
                {
                    for (int length = 1; length < 9; length++)
                    {
                        int[] inside = [.. Enumerable.Range(0, kernel).Where(k => origin + (k * dilation) >= 0 && origin + (k * dilation) < length)];
                        (int first, int end) = Window.Taps(origin, kernel, dilation, length);
                        Assert.Equal(inside, Enumerable.Range(first, end - first));
                    }
                }
            }
        }
    }

    [Fact]
    public void Interior_outputs_are_those_with_a_whole_window()
    {
        for (int pad = -2; pad < 4; pad++)
        {
            for (int kernel = 1; kernel < 5; kernel++)
            {
                for (int stride = 1; stride < 4; stride++)
                {
                    for (int dilation = 1; dilation < 3; dilation++)
                    {
                        for (int length = 1; length < 12; length++)
                        {
                            int outputs = Math.Max(1, (length + pad + 3 - ((kernel - 1) * dilation) - 1) / stride + 1);
                            int[] whole = [.. Enumerable.Range(0, outputs).Where(o =>
                                (o * stride) - pad >= 0 && (o * stride) - pad + ((kernel - 1) * dilation) < length)];
                            (int first, int end) = Window.Interior(outputs, stride, pad, kernel, dilation, length);
                            Assert.Equal(whole, Enumerable.Range(first, end - first));
                        }
                    }
                }
            }
        }
    }
}
