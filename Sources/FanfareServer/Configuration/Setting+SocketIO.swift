/// Which backends' emitters a node hears.
extension Setting {
    static let socketIO: [Setting] = [
        Setting(
            "socketio-path", .text("a path without a slash at its end, or off"),
            default: NodeConfiguration().socketIOPath, "Where clients of Socket.IO connect: their `path`."
        ) { configuration, value in
            if case .text(let text) = value { configuration.socketIOPath = text == "off" ? "" : text }
        },
        Setting(
            "socketio-emitters", .text("redis, python, or both with a comma; or off"), default: "off",
            "Hear emitters of Socket.IO on the node's Redis: @socket.io/redis-emitter (redis), python-socketio 5.14 (python)."
        ) { configuration, value in
            if case .text(let text) = value { configuration.emitters.text = text == "off" ? "" : text }
        },
        Setting(
            "socketio-emitter-key", .text("64 visible characters of ASCII but #*?[]\\,"),
            default: EmitterOptions().key, "First part of the names on which redis emitters publish: their 'key'."
        ) { configuration, value in
            if case .text(let text) = value { configuration.emitters.key = text }
        },
        Setting(
            "socketio-emitter-channels", .text("names with commas between them"), default: EmitterOptions().channels,
            "Channels of Redis on which python emitters publish."
        ) { configuration, value in
            if case .text(let text) = value { configuration.emitters.channels = text }
        },
    ]
}

extension ConfigurationChecks {
    func checkEmitters(_ configuration: NodeConfiguration, problems: inout [String]) {
        let emitters = configuration.emitters
        if !emitters.isValid {
            let setting = "socketio-emitters"
            problems.append("\(name(setting)): '\(emitters.text)' is not allowed; allowed: \(range(setting))")
        }
        if !EmitterOptions.isName(emitters.key) {
            let setting = "socketio-emitter-key"
            problems.append("\(name(setting)): '\(emitters.key)' is not allowed; allowed: \(range(setting))")
        }
        let channels = emitters.channelNames
        if channels.isEmpty || channels.count > 8 || !channels.allSatisfy(EmitterOptions.isName) {
            let setting = "socketio-emitter-channels"
            problems.append(
                "\(name(setting)): '\(emitters.channels)' is not allowed; allowed: one to eight \(range(setting))")
        }
        if !emitters.formats.isEmpty, configuration.redis.isEmpty {
            problems.append("\(name("socketio-emitters")): emitters publish to Redis, so it needs \(name("redis"))")
        }
    }
}
