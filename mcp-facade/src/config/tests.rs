//! Every setting: its default, its spellings, and the sentence of a bad value.

use super::*;

fn check(written: Written, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::check(&written, variable).map_err(|error| error.to_string())
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = check(Written::default(), &[]).expect("defaults hold");
    assert_eq!(
        (config.host.as_str(), config.port, config.transport),
        ("127.0.0.1", 8002, Transport::StreamableHttp)
    );
    assert!(config.options.jwt_secret.is_none() && config.options.environment_token.is_none());
    assert!(config.warnings.is_empty() && config.options.rate_limit_per_s.is_none());
    assert!(config.allow_outbound.is_empty());
    let blank = Written {
        host: text(" "),
        port: text(""),
        transport: text(""),
        ..Written::default()
    };
    assert_eq!(
        check(blank, &[(JWT_SECRET_VARIABLE, "")]).expect("blank is unset").port,
        8002
    );
}

/// Whoever can connect to a loopback address is at the machine.
#[test]
fn calls_are_limited_where_other_machines_can_connect() {
    let limits = |host: &str, of_user: Option<&str>, of_address: Option<&str>| {
        let written = Written {
            host: text(host),
            rate_limit: of_user.map(str::to_owned),
            address_rate_limit: of_address.map(str::to_owned),
            ..Written::default()
        };
        let options = check(written, &[]).expect("holds").options;
        (options.rate_limit_per_s, options.address_rate_limit_per_s)
    };
    assert_eq!(limits("127.0.0.1", None, None), (None, None));
    assert_eq!(
        limits("0.0.0.0", None, None),
        (Some(RATE_OF_USER_USUAL), Some(RATE_OF_ADDRESS_USUAL))
    );
    assert_eq!(limits("0.0.0.0", Some("0"), Some("0")), (None, None));
    assert_eq!(limits("localhost", Some("5"), Some("7")), (Some(5), Some(7)));
}

#[test]
fn transports_have_several_spellings_and_sse_has_a_successor() {
    for (word, transport) in [
        ("http", Transport::StreamableHttp),
        ("streamable_http", Transport::StreamableHttp),
        ("Streamable-HTTP", Transport::StreamableHttp),
        ("stdio", Transport::Stdio),
    ] {
        let written = Written {
            transport: text(word),
            ..Written::default()
        };
        assert_eq!(check(written, &[]).expect(word).transport, transport);
    }
    let refused = check(
        Written {
            transport: text("sse"),
            ..Written::default()
        },
        &[],
    )
    .expect_err("sse");
    insta::assert_snapshot!(refused, @"`--transport` (LOONFLOW_MCP_TRANSPORT) `sse` is no longer served; use its successor `streamable-http`, at the path `/mcp`");
}

#[test]
fn a_bad_value_is_named_by_its_setting() {
    let default = Written::default;
    let cases: Vec<(Written, &[(&str, &str)])> = vec![
        (
            Written {
                port: text("80a"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                port: text("65536"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                host: text("http://x/"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                transport: text("ws"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                rate_limit: text("-1"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                file_room: text("10 GiB"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                address_rate_limit: text("many"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                allowed_hosts: vec!["a b".to_owned()],
                ..default()
            },
            &[],
        ),
        (
            Written {
                allowed_hosts: vec!["https://a".to_owned()],
                ..default()
            },
            &[],
        ),
        (
            Written {
                allowed_origins: vec!["app.example.com".to_owned()],
                ..default()
            },
            &[],
        ),
        (
            Written {
                allowed_origins: vec!["https://a/b".to_owned()],
                ..default()
            },
            &[],
        ),
        (
            Written {
                allow_outbound: vec!["hooks.example, 10.1.2.3/8".to_owned()],
                ..default()
            },
            &[],
        ),
        (
            Written {
                allow_outbound: vec!["https://hooks.example/x".to_owned()],
                ..default()
            },
            &[],
        ),
        (
            Written {
                clock: text("soon"),
                ..default()
            },
            &[],
        ),
        (
            Written {
                clock: text("-3d"),
                ..default()
            },
            &[],
        ),
        (default(), &[(JWT_SECRET_VARIABLE, "short")]),
        (default(), &[(ACCESS_TOKEN_VARIABLE, "ä")]),
    ];
    let sentences: Vec<String> = cases
        .into_iter()
        .map(|(written, variables)| check(written, variables).expect_err("refused"))
        .collect();
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn names_and_origins_may_be_lists() {
    let written = Written {
        allowed_hosts: vec![
            "a.example.com, b.example.com:8443".to_owned(),
            "10.0.0.1".to_owned(),
            "::1".to_owned(),
        ],
        allowed_origins: vec!["https://a.example.com,http://localhost:*".to_owned(), "null".to_owned()],
        allow_outbound: vec![
            "hooks.example:8443, ,*.example".to_owned(),
            "10.0.0.0/8".to_owned(),
            "[::1]:80".to_owned(),
        ],
        ..Written::default()
    };
    let config = check(written, &[]).expect("holds");
    assert_eq!(
        config.allow_outbound.to_string(),
        "hooks.example:8443, *.example, 10.0.0.0/8, [::1]/128:80"
    );
    let options = config.options;
    assert_eq!(
        options.allowed_hosts,
        ["a.example.com", "b.example.com:8443", "10.0.0.1", "::1"]
    );
    assert_eq!(
        options.allowed_origins,
        ["https://a.example.com", "http://localhost:*", "null"]
    );
}

/// A clock for trying out is told of; without a word there is none.
#[test]
fn a_clock_ahead_is_no_secret() {
    let config = |clock: &str| {
        let written = Written {
            clock: text(clock),
            ..Written::default()
        };
        check(written, &[]).expect("holds")
    };
    assert_eq!(config("").clock_ahead_ms, None);
    assert!(config("").warnings.is_empty());
    assert_eq!(config("+0s").clock_ahead_ms, Some(0));
    let ahead = config("+3d");
    assert_eq!(ahead.clock_ahead_ms, Some(3 * 86_400_000));
    assert!(
        ahead
            .warnings
            .iter()
            .any(|line| line.contains("3d ahead") && line.contains("for trying out")),
        "{:?}",
        ahead.warnings
    );
}

#[test]
fn hooks_call_back_where_the_server_is_reached() {
    let url = |public: &str, host: &str, port: &str, transport: &str| {
        let written = Written {
            public_url: text(public),
            host: text(host),
            port: text(port),
            transport: text(transport),
            ..Written::default()
        };
        check(written, &[]).expect("holds").call_back_url()
    };
    for (public, host, port, expected) in [
        ("", "", "", Some("http://127.0.0.1:8002")),
        ("https://tickets.example/", "", "", Some("https://tickets.example")),
        (
            "https://tickets.example",
            "0.0.0.0",
            "0",
            Some("https://tickets.example"),
        ),
        ("", "desk.example", "80", Some("http://desk.example:80")),
        ("", "::1", "80", Some("http://[::1]:80")),
        ("", "", "0", None),
        ("", "0.0.0.0", "80", None),
        ("", "::", "80", None),
    ] {
        assert_eq!(
            url(public, host, port, "http").as_deref(),
            expected,
            "{public} {host} {port}"
        );
    }
    assert_eq!(url("https://tickets.example", "", "", "stdio"), None);
}

#[test]
fn the_environments_token_serves_only_where_it_is_safe() {
    let serves = |host: &str, transport: &str, allowed: bool| {
        let written = Written {
            host: text(host),
            transport: text(transport),
            env_token_for_http: allowed,
            ..Written::default()
        };
        check(written, &[(ACCESS_TOKEN_VARIABLE, "lfpat.a.b")])
            .expect("holds")
            .options
            .environment_token
            .is_some()
    };
    assert!(serves("127.0.0.1", "http", false));
    assert!(serves("localhost", "http", false));
    assert!(serves("::1", "http", false));
    assert!(!serves("0.0.0.0", "http", false));
    assert!(serves("0.0.0.0", "http", true));
    assert!(serves("0.0.0.0", "stdio", false));
}

#[test]
fn secrets_do_not_print() {
    let key = "0123456789abcdef0123456789abcdef";
    let config = check(
        Written::default(),
        &[(JWT_SECRET_VARIABLE, key), (ACCESS_TOKEN_VARIABLE, "lfpat.a.topsecret")],
    );
    let printed = format!("{config:?}");
    assert!(!printed.contains(key) && !printed.contains("topsecret"), "{printed}");
}
