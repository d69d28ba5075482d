using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using Thomas.Architectures;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Ops;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests;

/// <summary>Every public constructor and method of the libraries refuses null where it does not expect it, with the name of the parameter.</summary>
public sealed class PublicApiNullTests
{
    [Fact]
    public void Null_is_refused_by_name()
    {
        using Samples samples = new();
        NullabilityInfoContext nullability = new();
        List<string> wrong = [];
        int tried = 0;
        foreach (Type exported in (IEnumerable<Type>)[.. typeof(Model).Assembly.GetExportedTypes(), .. typeof(SkiaImageDecoder).Assembly.GetExportedTypes()])
        {
            Type type = exported.ContainsGenericParameters
                ? exported.MakeGenericType(Array.ConvertAll(exported.GetGenericArguments(), static _ => typeof(int)))
                : exported;
            foreach (MethodBase method in Methods(type))
            {
                ParameterInfo[] parameters = method.GetParameters();
                for (int i = 0; i < parameters.Length; i++)
                {
                    if (parameters[i].ParameterType.IsValueType || parameters[i].ParameterType.IsByRef
                        || nullability.Create(parameters[i]).WriteState == NullabilityState.Nullable)
                    {
                        continue;
                    }

                    tried++;
                    if (Try(samples, type, method, i) is string problem) wrong.Add($"{type.Name}.{method.Name}({parameters[i].Name}): {problem}");
                }
            }
        }

        Expect.True(tried > 80, $"only {tried} parameters were tried");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>Reflection cannot pass spans, so what takes them stands here.</summary>
    [Fact]
    public void Null_beside_a_span_is_refused_by_name()
    {
        Preprocessor preprocessor = new(Preprocessing.Preset("tf", 4, 4));
        RgbImage image = new(1, 1, new byte[3]);
        ImageSet set = new();
        GraphBuilder builder = new();
        Assert.Throws<ArgumentNullException>("image", () => preprocessor.Run(null!, new float[48]));
        Assert.Throws<ArgumentNullException>("image", () => preprocessor.Crop(null!, new byte[48]));
        Assert.Throws<ArgumentNullException>("image", () => preprocessor.Crop(null!, new Augmentation(), new Rng(1), new byte[48]));
        Assert.Throws<ArgumentNullException>("augmentation", () => preprocessor.Crop(image, null!, new Rng(1), new byte[48]));
        Assert.Throws<ArgumentNullException>("rng", () => preprocessor.Crop(image, new Augmentation(), null!, new byte[48]));
        Assert.Throws<ArgumentNullException>("label", () => set.Add(null!, new byte[3].AsSpan(), 1, 1));
        Assert.Throws<ArgumentNullException>("op", () => builder.Add(null!, []));
        Assert.Throws<ArgumentNullException>("op", () => builder.AddNode(null!, []));
        using VariableStore store = new([]);
        Assert.Throws<ArgumentNullException>("variable", () => store[null!].Clear());
        Assert.Throws<ArgumentNullException>("variable", () => store.Write(null!, []));
        Assert.Throws<ArgumentNullException>("variable", () => store.Read(null!, []));
        Assert.Throws<ArgumentNullException>("inputs", () => builder.Add(OpCatalog.Abs, [null!]));
    }

    private static IEnumerable<MethodBase> Methods(Type type)
    {
        // Records only carry what they are given; who takes them checks.
        bool isRecord = type.GetMethod("<Clone>$") is not null || type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null;
        // Extension members have a shell without code beside the static methods that do the work.
        if (type.IsSpecialName || type.IsEnum || typeof(Delegate).IsAssignableFrom(type) || typeof(Exception).IsAssignableFrom(type)) yield break;
        if (!isRecord)
        {
            foreach (ConstructorInfo constructor in type.GetConstructors()) yield return constructor;
        }

        foreach (MethodInfo method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        {
            if (!method.IsAbstract && method.GetCustomAttribute<CompilerGeneratedAttribute>() is null
                && !Array.Exists(method.GetParameters(), p => p.ParameterType.IsByRefLike) && !method.ReturnType.IsByRefLike)
            {
                yield return method;
            }
        }
    }

    /// <summary>Calls with null for one parameter; null if it is refused as it should be.</summary>
    private static string? Try(Samples samples, Type type, MethodBase method, int index)
    {
        ParameterInfo[] parameters = method.GetParameters();
        object?[] arguments = new object?[parameters.Length];
        for (int i = 0; i < arguments.Length; i++)
        {
            if (i != index && !samples.TryGet(parameters[i], out arguments[i])) return $"no sample of {parameters[i].ParameterType}";
        }

        object? target = null;
        if (!method.IsStatic && method is MethodInfo && !samples.TryGet(type, out target)) return $"no sample of {type}";
        try
        {
            if (method is ConstructorInfo constructor) constructor.Invoke(arguments);
            else method.Invoke(target, arguments);
            return "accepted";
        }
        catch (TargetInvocationException e) when (e.InnerException is ArgumentNullException refused)
        {
            return refused.ParamName == parameters[index].Name ? null : $"refused as '{refused.ParamName}'";
        }
        catch (TargetInvocationException e)
        {
            return e.InnerException!.GetType().Name;
        }
    }

    /// <summary>Something of each type that methods take.</summary>
    private sealed class Samples : IDisposable
    {
        private readonly Dictionary<Type, object> _samples = [];
        private readonly TemporaryFolder _folder = new();
        private readonly TuningSession _session;

        public Samples()
        {
            Model model = TinyModels.Create(TinyModels.HeadStyle.Dense);
            Variable variable = new("v", new Shape(1), VariableKind.Weight);
            FeatureMatrix matrix = new([0, 1], 2);
            Dataset dataset = TinyModels.Images(2, 1, "red", "green").ToDataset();
            PreparedSet set = TrainerJob.Prepare(dataset);
            TrainingPlanOptions plan = new();
            _session = TuningSession.Open(_folder["session"], model);
            foreach (object sample in (object[])
            [
                model, model.Graph, model.Info, model.Graph.Outputs[0], model.Graph.Nodes[0], new GraphBuilder(), TensorData.FromFloats(new Shape(1), [1]),
                variable, new VariableStore([variable]),
                "text", new ModelLoadOptions(), new SaveOptions(), new MemoryStream(), new RgbImage(1, 1, new byte[3]), ImageSource.FromFile("no.png"),
                new ImageSet(), dataset, new PreparedSetOptions { Preprocessing = set.Preprocessing },
                set, set.Preprocessing, new Preprocessor(set.Preprocessing), new Augmentation(), new Rng(1), new ImageClassifier(model),
                new ImageExplainer(model), new CompileOptions(),
                new FeatureCache("folder"), matrix,
                new LinearHead(new float[4], new float[2]), NearestCentroid.Fit(matrix, 2), new StageTimer(), new StageTimes([]), CostModel.Nominal,
                HeadPlan.Create(model, 2, TrainerOptions.LastLayer, 4, new CompileOptions()),
                TrainingPlanner.Plan(model, plan), plan, new WeightFile("file", WeightFormat.Safetensors, [], []), ArchitectureCatalog.All[0],
                new ArchitectureOptions { Classes = 2 }, OpCatalog.Abs,
                new byte[3], new float[1], new RunPlanOptions { Classes = 2 }, RunPlanner.Plan(model, new RunPlanOptions { Classes = 2 }), new TuningOptions(),
                new TrainerOptions(), new TuningSessionOptions(), _session,
            ])
                _samples[sample.GetType()] = sample;
            _samples[typeof(IImageDecoder)] = new NoDecoder();
            _samples[typeof(IReadOnlyList<string>)] = new[] { "red", "green" };
            _samples[typeof(IReadOnlyList<RgbImage>)] = Array.Empty<RgbImage>();
            _samples[typeof(IReadOnlyList<Variable>)] = Array.Empty<Variable>();
            _samples[typeof(IReadOnlyList<Sample>)] = Array.Empty<Sample>();
            _samples[typeof(IReadOnlyDictionary<string, string>)] = new Dictionary<string, string>();
            _samples[typeof(Func<FeatureMatrix>)] = () => matrix;
        }

        public void Dispose()
        {
            _session.Dispose();
            _folder.Dispose();
        }

        public bool TryGet(ParameterInfo parameter, out object? sample)
        {
            sample = parameter.HasDefaultValue && !parameter.ParameterType.IsValueType ? parameter.DefaultValue : null;
            return parameter.HasDefaultValue && !parameter.ParameterType.IsValueType ? true : TryGet(parameter.ParameterType, out sample);
        }

        public bool TryGet(Type type, out object? sample)
        {
            sample = null;
            if (type.IsByRef) return true;
            if (type == typeof(int)) sample = 2;
            else if (type.IsValueType) sample = Activator.CreateInstance(type);
            else
            {
                foreach ((Type known, object value) in _samples)
                {
                    if (type.IsAssignableFrom(known)) sample = value;
                }
            }

            return sample is not null || (type.IsValueType && Nullable.GetUnderlyingType(type) is not null);
        }
    }
}
