# Writes what Android tells of the battery into files as those below /sys, which an app may not read. The program's guard reads them.
.class final Lorg/thomas/studio/Battery;
.super Landroid/content/BroadcastReceiver;

.field private final folder:Ljava/io/File;

.method constructor <init>(Ljava/io/File;)V
    .registers 4
    invoke-direct {p0}, Landroid/content/BroadcastReceiver;-><init>()V
    new-instance v0, Ljava/io/File;
    const-string v1, "sys/class/power_supply/battery"
    invoke-direct {v0, p1, v1}, Ljava/io/File;-><init>(Ljava/io/File;Ljava/lang/String;)V
    iput-object v0, p0, Lorg/thomas/studio/Battery;->folder:Ljava/io/File;
    invoke-virtual {v0}, Ljava/io/File;->mkdirs()Z
    return-void
.end method

.method public onReceive(Landroid/content/Context;Landroid/content/Intent;)V
    .registers 6
    if-eqz p2, :none
    const-string v0, "type"
    const-string v1, "Battery"
    invoke-direct {p0, v0, v1}, Lorg/thomas/studio/Battery;->write(Ljava/lang/String;Ljava/lang/String;)V

    # A percentage. -1 stands for one that is not known.
    const-string v0, "level"
    const/4 v1, -0x1
    invoke-virtual {p2, v0, v1}, Landroid/content/Intent;->getIntExtra(Ljava/lang/String;I)I
    move-result v1
    const-string v0, "capacity"
    invoke-static {v1}, Ljava/lang/String;->valueOf(I)Ljava/lang/String;
    move-result-object v1
    invoke-direct {p0, v0, v1}, Lorg/thomas/studio/Battery;->write(Ljava/lang/String;Ljava/lang/String;)V

    # Tenths of a degree in both. -1000 stands for a temperature that is not known.
    const-string v0, "temperature"
    const/16 v1, -0x3e8
    invoke-virtual {p2, v0, v1}, Landroid/content/Intent;->getIntExtra(Ljava/lang/String;I)I
    move-result v1
    const-string v0, "temp"
    invoke-static {v1}, Ljava/lang/String;->valueOf(I)Ljava/lang/String;
    move-result-object v1
    invoke-direct {p0, v0, v1}, Lorg/thomas/studio/Battery;->write(Ljava/lang/String;Ljava/lang/String;)V

    # Plugged in, and not discharging (3) nevertheless as with a weak supply.
    const-string v1, "Discharging"
    const-string v0, "plugged"
    const/4 v2, 0x0
    invoke-virtual {p2, v0, v2}, Landroid/content/Intent;->getIntExtra(Ljava/lang/String;I)I
    move-result v0
    if-eqz v0, :status
    const-string v0, "status"
    invoke-virtual {p2, v0, v2}, Landroid/content/Intent;->getIntExtra(Ljava/lang/String;I)I
    move-result v0
    const/4 v2, 0x3
    if-eq v0, v2, :status
    const-string v1, "Charging"
    :status
    const-string v0, "status"
    invoke-direct {p0, v0, v1}, Lorg/thomas/studio/Battery;->write(Ljava/lang/String;Ljava/lang/String;)V
    :none
    return-void
.end method

# A file that cannot be written leaves the guard without a sensor, of which it warns.
.method private write(Ljava/lang/String;Ljava/lang/String;)V
    .registers 6
    :try
    new-instance v0, Ljava/io/File;
    iget-object v1, p0, Lorg/thomas/studio/Battery;->folder:Ljava/io/File;
    invoke-direct {v0, v1, p1}, Ljava/io/File;-><init>(Ljava/io/File;Ljava/lang/String;)V
    new-instance v1, Ljava/io/FileOutputStream;
    invoke-direct {v1, v0}, Ljava/io/FileOutputStream;-><init>(Ljava/io/File;)V
    invoke-virtual {p2}, Ljava/lang/String;->getBytes()[B
    move-result-object v0
    invoke-virtual {v1, v0}, Ljava/io/FileOutputStream;->write([B)V
    invoke-virtual {v1}, Ljava/io/FileOutputStream;->close()V
    :try_end
    .catch Ljava/io/IOException; {:try .. :try_end} :failed
    :failed
    return-void
.end method
