using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;

namespace Thomas.Tests.Docs;

/// <summary>
/// Writes docs/operators.md from the catalog, the documentation comments and the cases of the operator sweep. The same on every machine and tier.
/// </summary>
internal sealed partial class OperatorPage
{
    private readonly XmlComments _comments = new();
    private readonly StringBuilder _text = new();
    private readonly List<Type> _settingTypes = [];

    public static string Render()
    {
        OperatorPage page = new();
        page.AddHead();
        foreach (Op op in OpCatalog.All) page.AddOperator(op);
        page.AddSettingTypes();
        return page._text.ToString();
    }

    private void AddHead()
    {
        _text.Append(
            """
            # Operators

            <!-- Generated from OpCatalog. Do not edit: run the unit tests with THOMAS_UPDATE_DOCS=1 to write it again. -->

            Every node of a graph applies one of these operators. All is computed in float32, and operands are float32 where nothing else is said; images are NHWC. Shapes broadcast by NumPy's rule: the last axes
            are aligned, a size of 1 stretches. A letter before a bracket is a tensor, `sH sW` are strides, `dH dW` dilations, `top left` the padding before.

            The formula is also the program of the `serial` device: plain loops, sums in double. *Kernel* is what the `cpu` device runs, by the start of its name in logs.
            *Memory*: `own` means that the result has memory of its own, `in place` that it may overwrite an operand that nobody reads afterwards, `view` that it is
            the operand's memory under another shape and nothing runs.

            How a new one is added is in [adding-an-op.md](adding-an-op.md).

            ## Operators of models

            They are read from and written to `.tflite` and `.onnx`; [formats.md](formats.md) lists the operators of these formats.

            """.ReplaceLineEndings("\n"));
        AddTable(trainingOnly: false);
        _text.Append(
            """

            ## Operators of training steps

            Gradients, losses, updates and what they are made of, and what compile passes make of other operators. A model never contains them, so files have no form for them.

            """.ReplaceLineEndings("\n"));
        AddTable(trainingOnly: true);
    }

    private void AddTable(bool trainingOnly)
    {
        _text.Append("\n| operator | formula | kernel | memory |\n|---|---|---|---|\n");
        foreach (Op op in OpCatalog.All)
        {
            if (op.IsTrainingOnly != trainingOnly) continue;
            string formula = op.Formula.Replace("|", "\\|", StringComparison.Ordinal);
            _text.Append(CultureInfo.InvariantCulture, $"| [{op.Name}](#{op.Name.ToLowerInvariant()}) | `{formula}` | {KernelOf(op)} | {MemoryOf(op)} |\n");
        }
    }

    private void AddOperator(Op op)
    {
        _text.Append(CultureInfo.InvariantCulture, $"\n## {op.Name}\n\n{_comments.SummaryOf(op.GetType())}\n");
        Type attributes = CasesOf(op)[0].Attributes.GetType();
        AddTypes(op);
        if (attributes != typeof(NoAttributes)) AddParameters(attributes);
    }

    /// <summary>Which operands may have other types than float32, as the cases of the sweep have them.</summary>
    private void AddTypes(Op op)
    {
        IEnumerable<(int Operand, ElementTypes Types)> operands = CasesOf(op).SelectMany(
            test => test.Shapes.Select((_, i) => (Operand: i, Types: op.OperandTypes(i, test.Attributes))));
        foreach (IGrouping<ElementTypes, int> group in operands.Where(operand => operand.Types != ElementTypes.F32).Distinct()
            .OrderBy(operand => operand.Operand).GroupBy(operand => operand.Types, operand => operand.Operand))
            _text.Append(CultureInfo.InvariantCulture, $"\nOperand {string.Join(", ", group)} may be {group.Key.Describe()}.\n");
    }

    /// <summary>The types that settings consist of, each once, in the order in which they are first met.</summary>
    private void AddSettingTypes()
    {
        _text.Append("\n## Types of settings\n");
        for (int i = 0; i < _settingTypes.Count; i++)
        {
            Type type = _settingTypes[i];
            _text.Append(CultureInfo.InvariantCulture, $"\n### {type.Name}\n\n{_comments.SummaryOf(type)}\n");
            if (type.IsEnum) AddMembers(type);
            else if (PrimaryConstructor(type) is not null) AddParameters(type);
        }
    }

    private void AddMembers(Type enumeration)
    {
        _text.Append("\n| value | meaning |\n|---|---|\n");
        foreach (string name in Enum.GetNames(enumeration))
            _text.Append(CultureInfo.InvariantCulture, $"| `{name}` | {_comments.SummaryOf(enumeration, name)} |\n");
    }

    private void AddParameters(Type record)
    {
        _text.Append("\n| setting | type | default | meaning |\n|---|---|---|---|\n");
        foreach (ParameterInfo parameter in PrimaryConstructor(record)!.GetParameters())
        {
            Type type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
            if (type.Namespace!.StartsWith("Thomas", StringComparison.Ordinal) && !_settingTypes.Contains(type)) _settingTypes.Add(type);
            _text.Append(
                CultureInfo.InvariantCulture,
                $"| `{parameter.Name}` | {NameOf(type)} | {DefaultOf(parameter)} | {_comments.ParameterOf(record, parameter.Name!)} |\n");
        }
    }

    private static string NameOf(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Int32 when !type.IsEnum => "int",
        TypeCode.UInt64 => "ulong",
        TypeCode.Single => "float",
        TypeCode.Boolean => "bool",
        TypeCode.String => "string",
        _ => $"[{type.Name}](#{type.Name.ToLowerInvariant()})",
    };

    private static string DefaultOf(ParameterInfo parameter) => parameter switch
    {
        { HasDefaultValue: false } => "",
        { DefaultValue: null } => "none",
        { DefaultValue: bool value } => value ? "true" : "false",
        _ => string.Create(CultureInfo.InvariantCulture, $"{parameter.DefaultValue}"),
    };

    /// <summary>The constructor that takes what a record consists of; null for types that are no records.</summary>
    private static ConstructorInfo? PrimaryConstructor(Type type) =>
        type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is null
        ? null
        : type.GetConstructors().MaxBy(c => c.GetParameters().Length);

    private static OpCase[] CasesOf(Op op) => [.. OpCases.All().Where(test => test.Op == op)];

    /// <summary>The kernels of the sweep's cases without tile and tier.</summary>
    private static string KernelOf(Op op)
    {
        SortedSet<string> names = new(StringComparer.Ordinal);
        foreach (OpCase test in CasesOf(op))
        {
            Node node = NodeOf(test);
            names.Add(op.IsView(node) ? "" : $"`{KernelFamily().Match(op.CreateCpuKernel(node, new CpuKernelContext(1, BlockSizes.Default)).Name).Value}`");
        }

        names.Remove("");
        return names.Count == 0 ? "none"
            : op == OpCatalog.Activate || op == OpCatalog.ActivateGradient || op == OpCatalog.ActivateBiasGradient ? "`f32_` and the function's name"
            : string.Join(", ", names);
    }

    private static string MemoryOf(Op op)
    {
        Node[] nodes = [.. CasesOf(op).Select(NodeOf)];
        return nodes.All(op.IsView) ? "view"
            : nodes.Any(node => Enumerable.Range(0, node.Inputs.Count).Any(input => op.CpuCanOverwrite(node, input))) ? "in place"
            : "own";
    }

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        return builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
    }

    [GeneratedRegex("^[a-z]+32_[a-z0-9]+")]
    private static partial Regex KernelFamily();
}
