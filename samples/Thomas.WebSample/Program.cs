// README begins
using System.Threading;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Thomas;
using Thomas.Data;
using Thomas.Imaging;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton<IImageDecoder>(ImageDecoders.Best());
builder.Services.AddSingleton(_ => new ImageClassifier(Model.Load("cats-and-dogs.tflite")));
WebApplication app = builder.Build();

// curl --data-binary @new.jpg http://localhost:5000/classify
app.MapPost("/classify", async (HttpRequest request, ImageClassifier classifier, IImageDecoder decoder, CancellationToken cancellation) =>
{
    try
    {
        return Results.Ok(await classifier.ClassifyAsync(decoder, request.Body, top: 3, cancellation));
    }
    catch (ImageFormatException e)
    {
        return Results.BadRequest(e.Message);
    }
});
app.Run();
// README ends
