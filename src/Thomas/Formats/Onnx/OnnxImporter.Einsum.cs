using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Einsum of one or two operands, as transposes, sums and a matrix product.</summary>
internal sealed partial class OnnxImporter
{
    private Operand Einsum(OnnxNode node)
    {
        string equation = node.Text("equation", "").Replace(" ", "", StringComparison.Ordinal);
        foreach (char letter in equation)
        {
            if (!char.IsAsciiLetter(letter) && letter is not ('.' or ',' or '-' or '>')) throw node.Fail($"its equation '{equation}' holds '{letter}'");
        }

        if (node.InputCount is not (1 or 2)) throw node.Unsupported($"of {node.InputCount} operands");
        int arrow = equation.IndexOf("->", StringComparison.Ordinal);
        string[] terms = (arrow < 0 ? equation : equation[..arrow]).Split(',');
        if (terms.Length != node.InputCount) throw node.Fail($"its equation '{equation}' is for {terms.Length} operands");
        Operand[] operands = new Operand[terms.Length];
        int free = 0;
        for (int i = 0; i < terms.Length; i++) free = Math.Max(free, node.Input(i).Rank - terms[i].Replace("...", "", StringComparison.Ordinal).Length);
        string result = arrow < 0 ? Implicit(terms) : equation[(arrow + 2)..];
        for (int i = 0; i < terms.Length; i++)
        {
            operands[i] = node.Input(i);
            terms[i] = Spelled(node, terms[i], operands[i].Rank);
            RequireLetters(node, terms[i]);
        }

        result = result.Replace("...", Ellipsis[^free..], StringComparison.Ordinal);
        RequireLetters(node, result);
        foreach (char axis in result)
        {
            if (!string.Concat(terms).Contains(axis, StringComparison.Ordinal))
            {
                throw node.Fail($"its equation '{equation}' has an output axis '{axis}' that no operand has");
            }
        }

        for (int i = 0; i < terms.Length; i++)
            (operands[i], terms[i]) = WithoutUnread(node, operands[i], terms[i], terms.Length == 1 ? result : result + terms[1 - i], $"{node.Name}/sum{i}");
        return terms.Length == 1
            ? Ordered(node, operands[0], terms[0], result, node.Name)
            : Contracted(node, operands[0], operands[1], terms[0], terms[1], result);
    }

    /// <summary>Letters for the axes that dots stand for; no equation may use them.</summary>
    private const string Ellipsis = "01234567";

    private static string Spelled(OnnxNode node, string term, int rank)
    {
        int named = term.Replace("...", "", StringComparison.Ordinal).Length, hidden = rank - named;
        bool hasDots = named != term.Length;
        if (hidden < 0 || (hidden > 0 && !hasDots)) throw node.Fail($"its term '{term}' does not fit an operand of rank {rank}");
        return term.Replace("...", Ellipsis[^hidden..], StringComparison.Ordinal);
    }

    /// <summary>The result of an equation without arrow: dots, then the letters that occur once, by the alphabet.</summary>
    private static string Implicit(string[] terms)
    {
        string all = string.Concat(terms).Replace("...", "", StringComparison.Ordinal);
        List<char> once = [];
        foreach (char axis in all)
        {
            if (all.IndexOf(axis, StringComparison.Ordinal) == all.LastIndexOf(axis)) once.Add(axis);
        }

        once.Sort();
        return (string.Concat(terms).Contains("...", StringComparison.Ordinal) ? "..." : "") + string.Concat(once);
    }

    private static void RequireLetters(OnnxNode node, string term)
    {
        for (int i = 0; i < term.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(term[i])) throw node.Fail($"its equation has '{term[i]}'");
            if (term.LastIndexOf(term[i]) != i) throw node.Unsupported("that takes a diagonal", $"'{term}'");
        }
    }

    /// <summary>Sums over the axes that neither the other operand nor the result has.</summary>
    private (Operand, string) WithoutUnread(OnnxNode node, Operand x, string term, string read, string name)
    {
        List<int> axes = [];
        string kept = "";
        for (int i = 0; i < term.Length; i++)
        {
            if (read.Contains(term[i], StringComparison.Ordinal)) kept += term[i];
            else axes.Add(i);
        }

        return axes.Count == 0
            ? (x, term)
            : (Apply(node, OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Sum, new IntList(axes.ToArray()), KeepDims: false), name), kept);
    }

    /// <summary>
    /// Axes of both operands and the result count products, those of both operands alone are summed over, those of one operand are rows or columns. An operand
    /// of weights comes second, and is one matrix where it counts no products: then it is a dense layer.
    /// </summary>
    private Operand Contracted(OnnxNode node, Operand a, Operand b, string termA, string termB, string result)
    {
        if (a.IsConstant && !b.IsConstant) (a, b, termA, termB) = (b, a, termB, termA);
        string products = "", summed = "", rows = "", columns = "";
        foreach (char axis in termA)
        {
            if (!termB.Contains(axis, StringComparison.Ordinal)) rows += axis;
            else if (result.Contains(axis, StringComparison.Ordinal)) products += axis;
            else summed += axis;
        }

        foreach (char axis in termB)
        {
            if (!termA.Contains(axis, StringComparison.Ordinal)) columns += axis;
        }

        Dictionary<char, int> sizes = [];
        SizesOf(node, a, termA, sizes);
        SizesOf(node, b, termB, sizes);
        Operand left = Ordered(node, a, termA, products + rows + summed, $"{node.Name}/left"),
            right = Ordered(node, b, termB, products + summed + columns, $"{node.Name}/right");
        int[] counts = SizesFor(products, sizes), rowSizes = SizesFor(rows, sizes), columnSizes = SizesFor(columns, sizes);
        int k = new Shape(SizesFor(summed, sizes)).ElementCount, m = new Shape(rowSizes).ElementCount, n = new Shape(columnSizes).ElementCount;
        bool keepsRows = products.Length == 0 && b.IsConstant;
        left = ReshapeTo(node, left, keepsRows ? [.. rowSizes, k] : [.. counts, m, k], $"{node.Name}/left_rows");
        right = ReshapeTo(node, right, [.. counts, k, n], $"{node.Name}/right_columns");
        if (left.Rank < 2) left = ReshapeTo(node, left, [1, k], $"{node.Name}/left_row");
        Operand product = MatMul(node.Inner("product"), left, right);
        Operand apart = ReshapeTo(node, product, [.. counts, .. rowSizes, .. columnSizes], $"{node.Name}/apart");
        return Ordered(node, apart, products + rows + columns, result, node.Name);
    }

    private static void SizesOf(OnnxNode node, Operand x, string term, Dictionary<char, int> sizes)
    {
        for (int i = 0; i < term.Length; i++)
        {
            if (!sizes.TryAdd(term[i], x.Shape[i]) && sizes[term[i]] != x.Shape[i])
            {
                throw node.Unsupported("of operands that stretch", $"{x.Shape} as '{term}'");
            }
        }
    }

    private static int[] SizesFor(string axes, Dictionary<char, int> sizes)
    {
        int[] found = new int[axes.Length];
        for (int i = 0; i < found.Length; i++) found[i] = sizes[axes[i]];
        return found;
    }

    /// <summary>An operand with its axes in another order.</summary>
    private Operand Ordered(OnnxNode node, Operand x, string from, string to, string name)
    {
        int[] permutation = new int[to.Length];
        for (int i = 0; i < permutation.Length; i++) permutation[i] = from.IndexOf(to[i], StringComparison.Ordinal);
        IntList perm = new(permutation);
        if (perm == Permutation.Identity(to.Length)) return x;
        return x.IsConstant ? Permuted(node, x, "an operand", perm) : Apply(node, OpCatalog.Transpose, [x], new TransposeAttributes(perm), name);
    }
}
