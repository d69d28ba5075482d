using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Xunit;

namespace Thomas.Tests.Studio;

/// <summary>
/// Requests that make no sense, to every call: no answer is an error of the server, except that it is busy or has no room, and nothing outside of the studio's
/// folder is touched.
/// </summary>
public sealed class StudioFuzzTests(ITestOutputHelper output)
{
    private const string RequestsVariable = "THOMAS_STUDIO_FUZZ", SeedVariable = "THOMAS_STUDIO_SEED";

    private static readonly int Requests = int.TryParse(Environment.GetEnvironmentVariable(RequestsVariable), out int requests) ? requests : 400;

    private static readonly ulong Seed = ulong.TryParse(Environment.GetEnvironmentVariable(SeedVariable), out ulong seed) ? seed : 1;

    private static readonly string[] Names =
    [
        "red", "green", "", " ", "..", "../x", "..%2f..%2fx", "%2e%2e", "C:\\x", "a%0ab", "%00", "%ff%fe", "%F0%9F%90%B1", "%ED%A0%80", "&&==",
        "x".PadLeft(300, 'x'), "starter", "0123456789abcdef", "1", "-1", "99999999999999999999", "1e9", "NaN", "null", "{}", "<script>", "%E2%80%AE",
    ];

    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1", "3", "1e400", "99999999999", "1.5", "\"\"", "\" \"", "\"red\"", "\"green\"", "\"../../x\"", "\"a\\nb\"", "\"\\ud800\"",
        "\"\\u0000\"", "[]", "{}", "[[[[]]]]", "\"all\"", "\"bias\"", "\"last\"", "\"last:99999999\"", "\"sparse:1B\"", "\"scratch\"", "\"tflite\"", "\"onnx\"",
        "\"head\"", "\"run\"", "\"cpu\"", "\"opencl:0\"", "\"starter\"", "\"x\\u202e\"",
    ];

    private static readonly string[] Methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEADER", "OPTIONS"];

    // What makes sense, so that requests get far.
    private static readonly Dictionary<string, string> Sound = new()
    {
        ["projects"] = """{"name": "red", "model": "starter"}""",
        ["projects/*"] = """{"name": "green"}""",
        ["projects/*/classes"] = """{"name": "red", "from": "red", "to": "green"}""",
        ["projects/*/images/*"] = """{"class": "red"}""",
        ["projects/*/plan"] = "{}",
        ["projects/*/runs"] = """{"policy": "bias", "epochs": 2, "batch": 4}""",
        ["projects/*/export"] = """{"format": "onnx", "which": "head"}""",
    };

    private static readonly string[] Members =
        ["name", "model", "from", "to", "class", "batch", "compress", "device", "epochs", "memoryBytes", "policy", "learningRate", "format", "which", "extra"];

    [Fact]
    public async Task No_request_breaks_the_server()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["outside"]);
        await File.WriteAllTextAsync(folder["outside", "secret"], "secret");
        SortedDictionary<int, int> counts = [];
        Rng rng = new(Seed);
        await using (StudioFixture studio = await StudioFixture.Start(
            settings => settings with
            {
                Limits = settings.Limits with { ImagesPerProject = 60, Projects = 12, Models = 4, ImageBytes = 1 << 20, ModelBytes = 1 << 20 },
            },
            folder))
        {
            List<string> projects = [await studio.NewProject()];
            byte[] model = await ModelFile();
            await studio.Fill(projects[0], 4);
            (string Method, string Path)[] calls = [.. Thomas.Studio.Calls.AllCalls.Of(studio.Server.Home).All.Where(call => call.Path is not "shutdown")];
            for (int i = 0; i < Requests; i++)
            {
                using HttpRequestMessage request = Request(rng, calls, projects, model);
                string line = $"request {i} of seed {Seed}: {request.Method} {request.RequestUri}";
                using HttpResponseMessage answer = await studio.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                int status = (int)answer.StatusCode;
                counts[status] = counts.GetValueOrDefault(status) + 1;
                string text = answer.Content.Headers.ContentType?.MediaType == "text/event-stream" ? "" : await answer.Content.ReadAsStringAsync();
                Assert.True(status < 500 || status is 503 or 507, $"{line}: {status} {text}");

                // What is not even HTTP, such as a zero in a path, the server library refuses without asking.
                if (status == 400 && text.Length == 0) continue;
                StudioSecurityTests.CheckHeaders(answer);
                if (status >= 400) Assert.NotNull(JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("code").GetString());
                string path = request.RequestUri!.AbsolutePath;
                if (status == 204 && projects.RemoveAll(id => path == $"/api/projects/{id}") > 0 && projects.Count == 0)
                {
                    projects.Add(await studio.NewProject());
                    await studio.Fill(projects[0], 4);
                }

                if (status == 200 && request.Method == HttpMethod.Post && path == "/api/projects")
                {
                    projects.Add(JsonDocument.Parse(text).RootElement.GetProperty("id").GetString()!);
                }
            }

            // It still works.
            await studio.Send("GET", $"projects/{projects[^1]}");
            Assert.Equal(projects.Count, (await studio.Send("GET", "projects")).GetArrayLength());
            Assert.DoesNotContain("unexpected", await (await studio.Raw("GET", "log")).Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
        }

        output.WriteLine(string.Join(", ", counts.Select(count => $"{count.Value} x {count.Key}")));
        Assert.Equal(["outside", "studio"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(folder["outside"]).Select(Path.GetFileName));
        Assert.Equal("secret", await File.ReadAllTextAsync(folder["outside", "secret"]));
        Assert.Equal(["models", "port", "projects", "studio.lock"], Directory.GetFileSystemEntries(folder["studio"]).Select(Path.GetFileName).Order());
    }

    private static async Task<byte[]> ModelFile()
    {
        using MemoryStream file = new();
        await Task.Run(() => TinyModels.Create(TinyModels.HeadStyle.Dense).Save(file, ModelFormat.TfLite));
        return file.ToArray();
    }

    private static HttpRequestMessage Request(Rng rng, (string Method, string Path)[] calls, List<string> projects, byte[] model)
    {
        (string method, string path) = calls[rng.Next(calls.Length)];
        string[] segments = path.Split('/');
        for (int i = 0; i < segments.Length; i++)
        {
            if (segments[i] != "*") continue;
            bool isProject = i == 1 && segments[0] == "projects";
            segments[i] = isProject && rng.Next(10) > 0 ? projects[rng.Next(projects.Count)]
                : !isProject && rng.Next(3) > 0 ? $"{1 + rng.Next(70)}"
                : Names[rng.Next(Names.Length)];
        }

        StringBuilder target = new($"api/{string.Join('/', segments)}");
        bool isPicture = (method, path) == ("POST", "projects/*/images") && rng.Next(2) == 0;
        if (isPicture) target.Append("?class=").Append(SessionJob.Colors[rng.Next(2)]);
        int parameters = isPicture ? 0 : rng.Next(4);
        for (int i = 0; i < parameters; i++)
        {
            string[] known = ["class", "name", "count", "after", "top", "which", "project", "x"];
            string value = known[rng.Next(known.Length)] is var name && name == "project" && rng.Next(2) == 0
                ? projects[rng.Next(projects.Count)]
                : Names[rng.Next(Names.Length)];
            target.Append(i == 0 ? '?' : '&').Append(name).Append('=').Append(value);
        }

        if (rng.Next(20) == 0) method = Methods[rng.Next(Methods.Length)];
        HttpRequestMessage request = new(new HttpMethod(method), target.ToString());
        if (Body(rng, path, model) is byte[] body && method != "GET") request.Content = new ByteArrayContent(body);
        if (rng.Next(30) == 0) request.Headers.TryAddWithoutValidation("Origin", "http://evil.example");
        if (rng.Next(30) == 0) request.Headers.Host = "evil.example";
        return request;
    }

    private static byte[]? Body(Rng rng, string path, byte[] model)
    {
        byte[] sound = path == "models" ? model : StudioFixture.Picture(rng.Next(2), (ulong)rng.Next(1000));
        switch (rng.Next(8))
        {
            case 0: return null;
            case 1: return [];
            case 2:
                byte[] noise = new byte[rng.Next(3000)];
                for (int i = 0; i < noise.Length; i++) noise[i] = (byte)rng.Next(256);
                return noise;
            case 3 when path is "models" or "projects/*/images" or "projects/*/classify":
                byte[] damaged = [.. sound];
                for (int i = 0; i < 5; i++) damaged[rng.Next(damaged.Length)] = (byte)rng.Next(256);
                return damaged[..(1 + rng.Next(damaged.Length))];
            case 4 or 5 when path is "models" or "projects/*/images" or "projects/*/classify": return sound;
            case 4 or 5 or 6 when Sound.TryGetValue(path, out string? text): return Encoding.UTF8.GetBytes(text);
            default:
                StringBuilder json = new("{");
                int members = rng.Next(5);
                for (int i = 0; i < members; i++)
                    json.Append(i == 0 ? "" : ",").Append('"').Append(Members[rng.Next(Members.Length)]).Append("\":").Append(Values[rng.Next(Values.Length)]);
                return Encoding.UTF8.GetBytes(rng.Next(10) == 0 ? json.ToString() : json.Append('}').ToString());
        }
    }
}
