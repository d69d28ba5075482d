# Copies a file to where the user wants it.
.class final Lorg/thomas/studio/Copy;
.super Ljava/lang/Object;
.implements Ljava/lang/Runnable;

.field private final main:Lorg/thomas/studio/Main;
.field private final source:Ljava/io/File;
.field private final target:Landroid/net/Uri;

.method constructor <init>(Lorg/thomas/studio/Main;Ljava/io/File;Landroid/net/Uri;)V
    .registers 4
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/thomas/studio/Copy;->main:Lorg/thomas/studio/Main;
    iput-object p2, p0, Lorg/thomas/studio/Copy;->source:Ljava/io/File;
    iput-object p3, p0, Lorg/thomas/studio/Copy;->target:Landroid/net/Uri;
    return-void
.end method

.method public run()V
    .registers 7
    iget-object v4, p0, Lorg/thomas/studio/Copy;->main:Lorg/thomas/studio/Main;
    :try
    new-instance v0, Ljava/io/FileInputStream;
    iget-object v1, p0, Lorg/thomas/studio/Copy;->source:Ljava/io/File;
    invoke-direct {v0, v1}, Ljava/io/FileInputStream;-><init>(Ljava/io/File;)V
    invoke-virtual {v4}, Lorg/thomas/studio/Main;->getContentResolver()Landroid/content/ContentResolver;
    move-result-object v1
    iget-object v2, p0, Lorg/thomas/studio/Copy;->target:Landroid/net/Uri;
    # Without t, a longer file that is replaced keeps its end.
    const-string v3, "wt"
    invoke-virtual {v1, v2, v3}, Landroid/content/ContentResolver;->openOutputStream(Landroid/net/Uri;Ljava/lang/String;)Ljava/io/OutputStream;
    move-result-object v1
    const v2, 0x10000
    new-array v2, v2, [B
    :next
    invoke-virtual {v0, v2}, Ljava/io/FileInputStream;->read([B)I
    move-result v3
    if-lez v3, :all
    const/4 v5, 0x0
    invoke-virtual {v1, v2, v5, v3}, Ljava/io/OutputStream;->write([BII)V
    goto :next
    :all
    invoke-virtual {v1}, Ljava/io/OutputStream;->close()V
    invoke-virtual {v0}, Ljava/io/FileInputStream;->close()V
    :try_end
    # The provider of the place is another app and may fail in any way.
    .catch Ljava/lang/Exception; {:try .. :try_end} :failed
    sget v0, Lorg/thomas/studio/R;->string_saved:I
    goto :tell
    :failed
    sget v0, Lorg/thomas/studio/R;->string_not_saved:I
    :tell
    invoke-virtual {v4, v0}, Lorg/thomas/studio/Main;->say(I)V
    return-void
.end method
