# The program, while it runs and after it.
.class final Lorg/thomas/studio/Program;
.super Ljava/lang/Object;
.implements Ljava/lang/Runnable;

.field private final main:Lorg/thomas/studio/Main;
.field private process:Ljava/lang/Process;

# After the end: what it printed, and its exit code, which is -1 if it could not be started.
.field said:Ljava/lang/String;
.field code:I

# Starts it.
.method constructor <init>(Lorg/thomas/studio/Main;)V
    .registers 7
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/thomas/studio/Program;->main:Lorg/thomas/studio/Main;
    invoke-virtual {p1}, Lorg/thomas/studio/Main;->getApplicationInfo()Landroid/content/pm/ApplicationInfo;
    move-result-object v0
    iget-object v0, v0, Landroid/content/pm/ApplicationInfo;->nativeLibraryDir:Ljava/lang/String;
    const-string v1, "/libthomas.so"
    invoke-virtual {v0, v1}, Ljava/lang/String;->concat(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    new-instance v1, Ljava/util/ArrayList;
    invoke-direct {v1}, Ljava/util/ArrayList;-><init>()V
    invoke-virtual {v1, v0}, Ljava/util/ArrayList;->add(Ljava/lang/Object;)Z
    const-string v0, "studio --no-open --port 0 --folder studio --ready-file ready.json --until-stdin-closes --min-battery 15 --max-temperature 45"
    const-string v2, " "
    invoke-virtual {v0, v2}, Ljava/lang/String;->split(Ljava/lang/String;)[Ljava/lang/String;
    move-result-object v0
    invoke-static {v1, v0}, Ljava/util/Collections;->addAll(Ljava/util/Collection;[Ljava/lang/Object;)Z

    new-instance v0, Ljava/lang/ProcessBuilder;
    invoke-direct {v0, v1}, Ljava/lang/ProcessBuilder;-><init>(Ljava/util/List;)V
    iget-object v1, p1, Lorg/thomas/studio/Main;->folder:Ljava/io/File;
    invoke-virtual {v0, v1}, Ljava/lang/ProcessBuilder;->directory(Ljava/io/File;)Ljava/lang/ProcessBuilder;
    const/4 v2, 0x1
    invoke-virtual {v0, v2}, Ljava/lang/ProcessBuilder;->redirectErrorStream(Z)Ljava/lang/ProcessBuilder;
    invoke-virtual {v0}, Ljava/lang/ProcessBuilder;->environment()Ljava/util/Map;
    move-result-object v2
    invoke-virtual {v1}, Ljava/io/File;->getPath()Ljava/lang/String;
    move-result-object v1
    const-string v3, "HOME"
    invoke-interface {v2, v3, v1}, Ljava/util/Map;->put(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;
    # An app may not read the sensors of the system.
    const-string v3, "THOMAS_SYSFS"
    const-string v4, "sys"
    invoke-interface {v2, v3, v4}, Ljava/util/Map;->put(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;
    invoke-virtual {p1}, Lorg/thomas/studio/Main;->getCacheDir()Ljava/io/File;
    move-result-object v1
    invoke-virtual {v1}, Ljava/io/File;->getPath()Ljava/lang/String;
    move-result-object v1
    const-string v3, "TMPDIR"
    invoke-interface {v2, v3, v1}, Ljava/util/Map;->put(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;

    :try
    invoke-virtual {v0}, Ljava/lang/ProcessBuilder;->start()Ljava/lang/Process;
    move-result-object v0
    :try_end
    .catch Ljava/io/IOException; {:try .. :try_end} :failed
    iput-object v0, p0, Lorg/thomas/studio/Program;->process:Ljava/lang/Process;
    return-void

    :failed
    move-exception v0
    invoke-virtual {v0}, Ljava/io/IOException;->toString()Ljava/lang/String;
    move-result-object v0
    iput-object v0, p0, Lorg/thomas/studio/Program;->said:Ljava/lang/String;
    const/4 v0, -0x1
    iput v0, p0, Lorg/thomas/studio/Program;->code:I
    return-void
.end method

# Waits for its end, on a thread of its own.
.method public run()V
    .registers 5
    iget-object v0, p0, Lorg/thomas/studio/Program;->process:Ljava/lang/Process;
    if-eqz v0, :tell
    invoke-virtual {v0}, Ljava/lang/Process;->getInputStream()Ljava/io/InputStream;
    move-result-object v1
    invoke-static {v1}, Lorg/thomas/studio/Program;->read(Ljava/io/InputStream;)Ljava/lang/String;
    move-result-object v1
    :try
    invoke-virtual {v0}, Ljava/lang/Process;->waitFor()I
    move-result v0
    :try_end
    .catch Ljava/lang/InterruptedException; {:try .. :try_end} :interrupted
    iput v0, p0, Lorg/thomas/studio/Program;->code:I

    new-instance v2, Ljava/lang/StringBuilder;
    invoke-direct {v2, v1}, Ljava/lang/StringBuilder;-><init>(Ljava/lang/String;)V
    const-string v1, "\nexit code "
    invoke-virtual {v2, v1}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    invoke-virtual {v2, v0}, Ljava/lang/StringBuilder;->append(I)Ljava/lang/StringBuilder;
    invoke-virtual {v2}, Ljava/lang/StringBuilder;->toString()Ljava/lang/String;
    move-result-object v0
    iput-object v0, p0, Lorg/thomas/studio/Program;->said:Ljava/lang/String;

    :tell
    iget-object v0, p0, Lorg/thomas/studio/Program;->main:Lorg/thomas/studio/Main;
    iget-object v0, v0, Lorg/thomas/studio/Main;->screen:Landroid/os/Handler;
    const/4 v1, 0x1
    invoke-virtual {v0, v1, p0}, Landroid/os/Handler;->obtainMessage(ILjava/lang/Object;)Landroid/os/Message;
    move-result-object v0
    invoke-virtual {v0}, Landroid/os/Message;->sendToTarget()V
    :interrupted
    return-void
.end method

# Ends it: it gets a signal, and its standard input closes.
.method end()V
    .registers 2
    iget-object v0, p0, Lorg/thomas/studio/Program;->process:Ljava/lang/Process;
    if-eqz v0, :none
    invoke-virtual {v0}, Ljava/lang/Process;->destroy()V
    :none
    return-void
.end method

# All text of a stream, which is closed then; a stream that fails has ended.
.method static read(Ljava/io/InputStream;)Ljava/lang/String;
    .registers 3
    new-instance v0, Ljava/util/Scanner;
    const-string v1, "UTF-8"
    invoke-direct {v0, p0, v1}, Ljava/util/Scanner;-><init>(Ljava/io/InputStream;Ljava/lang/String;)V
    const-string v1, "\\A"
    invoke-virtual {v0, v1}, Ljava/util/Scanner;->useDelimiter(Ljava/lang/String;)Ljava/util/Scanner;
    invoke-virtual {v0}, Ljava/util/Scanner;->hasNext()Z
    move-result v1
    if-eqz v1, :empty
    invoke-virtual {v0}, Ljava/util/Scanner;->next()Ljava/lang/String;
    move-result-object v1
    goto :close
    :empty
    const-string v1, ""
    :close
    invoke-virtual {v0}, Ljava/util/Scanner;->close()V
    return-object v1
.end method
