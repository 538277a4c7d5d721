//! The command line: what can be asked of `loonflow-ticket`, and its help.
//!
//! Not here: what the commands do (`commands`), and whether a setting's value holds (`config`).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Written;

const AFTER_HELP: &str = "\
Environment:
  LOONFLOW_MCP_ACCESS_TOKEN  token of a call that brings none (stdio, and HTTP on a loopback address)
  LOONFLOW_JWT_SECRET        key of JWTs (HS256), 32 bytes or more [default: one of its own in the data directory]
  LOONFLOW_LOG               log filter, for example `info` or `loonflow_engine=debug`; logs go to stderr as JSON lines
The flags of `serve` that take a value have variables too, but for `--clock`; see `loonflow-ticket serve --help`.

Exit codes:
  0    done; a server that was stopped has finished the calls in flight
  1    the command could not be carried out, or `check` or `verify` found something; standard error or output says what
  2    the command line cannot be read
  130  a second signal ended a server before it had finished; SIGINT (Ctrl-C) ends any other command at once, which
       shells tell as 130 too

To look around: loonflow-ticket demo";

/// A ticket server for assistants: workflows, approvals and forms over MCP.
#[derive(Debug, Parser)]
#[command(name = "loonflow-ticket", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Cli {
    /// Directory that holds the log [default: the platform's data directory for loonflow-ticket]
    #[arg(
        long,
        global = true,
        env = "LOONFLOW_DATA",
        hide_env_values = true,
        value_name = "DIRECTORY"
    )]
    pub data: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve assistants over MCP, programs over REST, and people who make tokens
    Serve(Serve),
    /// Serve an example organisation with a few dozen tickets; prints passwords, tokens and a client configuration
    Demo(Demo),
    /// Import directories and workflows from JSON files; importing the same again changes nothing
    Import(Import),
    /// Say who is away and who stands in for them; take that back; list it
    #[command(subcommand)]
    Absence(Absence),
    /// Make, list and revoke personal access tokens
    #[command(subcommand)]
    Token(Token),
    /// Check workflow definitions and print every problem; exit code 1 if there is any
    Check(Check),
    /// Print the JSON Schema of workflow or directory files, with which editors complete and underline
    Schema(Schema),
    /// List workflows and say which version new tickets start on
    #[command(subcommand)]
    Workflow(Workflow),
    /// Operate on tickets
    #[command(subcommand)]
    Ticket(Ticket),
    /// Operate on files of tickets
    #[command(subcommand)]
    File(File),
    /// Write the log as JSON lines with digests, whole or what came after an earlier export; also while the server runs
    Export(Export),
    /// Read an export, and the increments that follow it, into an empty data directory; verifies what was restored
    Restore(Restore),
    /// Read every event, fold every ticket, compare with list and snapshots; name what the server would refuse; exit
    /// code 1 if there is any
    Verify(Verify),
    /// Say whether the running server takes calls, and what of its log it cannot read and does not serve; exit code 1
    /// if there is either
    Status,
    /// Show what became of the last calls to hooks, the newest first: time, ticket, effect, address without its secrets,
    /// status or error, duration. The running server remembers them until it ends
    Deliveries(Deliveries),
    /// Move the clock of a running server on, so that timers come due; only of one that was started with `--clock`
    Clock(Clock),
}

/// Flags of `deliveries`.
#[derive(Debug, Clone, Args)]
pub struct Deliveries {
    /// Only those of this ticket
    #[arg(long, value_name = "ID")]
    pub ticket: Option<String>,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// Flags of `clock`.
#[derive(Debug, Clone, Args)]
pub struct Clock {
    /// How far, as `+2h`, `3d 12h` or `P3DT2H`; without it, say what the clock shows
    #[arg(value_name = "SPAN", allow_hyphen_values = true)]
    pub span: Option<String>,
}

/// Flags of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct Serve {
    /// Name or address to listen on [default: 127.0.0.1]
    #[arg(long, env = "LOONFLOW_MCP_HOST")]
    pub host: Option<String>,

    /// Port to listen on; 0 for any free one [default: 8002]
    #[arg(long, env = "LOONFLOW_MCP_PORT")]
    pub port: Option<String>,

    /// `streamable-http`, at the path /mcp, or `stdio` [default: streamable-http]
    #[arg(long, env = "LOONFLOW_MCP_TRANSPORT")]
    pub transport: Option<String>,

    /// Name under which clients may address the server; repeat it or separate by commas [default: loopback names]
    #[arg(
        long = "allowed-host",
        env = "LOONFLOW_MCP_ALLOWED_HOSTS",
        value_name = "NAME[:PORT]"
    )]
    pub allowed_hosts: Vec<String>,

    /// Web origin that may call; repeat it or separate by commas [default: none]
    #[arg(long = "allowed-origin", env = "LOONFLOW_MCP_ALLOWED_ORIGINS", value_name = "ORIGIN")]
    pub allowed_origins: Vec<String>,

    /// Host, address or network that workflows may call although it is not of the public internet, as `hooks.example`,
    /// `*.example`, `10.0.0.0/8`, `[fd00::1]:8443`; repeat it or separate by commas [default: the public internet alone]
    #[arg(
        long = "allow-outbound",
        env = "LOONFLOW_ALLOW_OUTBOUND",
        value_name = "HOST|NETWORK[:PORT]"
    )]
    pub allow_outbound: Vec<String>,

    /// Where people reach the server, `https://tickets.example.com`, if a proxy stands before it; pages name it,
    /// cookies are for TLS alone where it begins with https, hooks call back there, and links in notices lead there
    /// [default: the address that a browser uses; for hooks, host and port; notices have no links]
    #[arg(long, env = "LOONFLOW_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Answer 401 to HTTP requests without a valid token, before any protocol
    #[arg(long)]
    pub require_auth: bool,

    /// Let LOONFLOW_MCP_ACCESS_TOKEN stand in over HTTP on other than loopback addresses too
    #[arg(long)]
    pub env_token_for_http: bool,

    /// Calls per second that one user may make, with whatever tokens; 0 for no limit [default: 200 where other machines
    /// can connect, none on a loopback address]
    #[arg(long, env = "LOONFLOW_MCP_RATE_LIMIT", value_name = "CALLS")]
    pub rate_limit: Option<String>,

    /// HTTP requests per second that one address may make, this machine's apart; 0 for no limit [default: 1000 where
    /// other machines can connect]
    #[arg(long, env = "LOONFLOW_MCP_ADDRESS_RATE_LIMIT", value_name = "REQUESTS")]
    pub address_rate_limit: Option<String>,

    /// Room for the files of one tenant, in GiB; 0 takes none [default: 10]
    #[arg(long, env = "LOONFLOW_FILE_ROOM", value_name = "GIB")]
    pub file_room: Option<String>,

    /// For trying out, not for work: run on a clock that is so far ahead of the machine's, as `+3d`, `+2h 30m` or
    /// `P3DT2H`, and that `loonflow-ticket clock` moves on. Timers, personal access tokens and sessions go by it: who
    /// is signed in in a browser may have to sign in again. JWTs go by the machine's clock and last
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true)]
    pub clock: Option<String>,
}

impl Serve {
    /// The settings as written.
    #[must_use]
    pub fn written(self) -> Written {
        Written {
            host: self.host,
            port: self.port,
            transport: self.transport,
            allowed_hosts: self.allowed_hosts,
            allowed_origins: self.allowed_origins,
            allow_outbound: self.allow_outbound,
            public_url: self.public_url,
            clock: self.clock,
            require_auth: self.require_auth,
            env_token_for_http: self.env_token_for_http,
            rate_limit: self.rate_limit,
            address_rate_limit: self.address_rate_limit,
            file_room: self.file_room,
        }
    }
}

/// Flags of `demo`.
#[derive(Debug, Clone, Default, Args)]
pub struct Demo {
    /// Throw the demo's data away and start anew
    #[arg(long)]
    pub fresh: bool,

    /// Flags of `serve`.
    #[command(flatten)]
    pub serve: Serve,
}

/// Flags of `import`.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// Directory and workflow files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Domain of the tenant that the workflows go to, where there are several
    #[arg(long, value_name = "DOMAIN")]
    pub tenant: Option<String>,

    /// Publish new versions as candidates: tickets start on them only if they ask for them by name
    #[arg(long)]
    pub candidate: bool,

    /// First ask whether each workflow is sound, as `check --simulate` does; import nothing where a
    /// story tells why one is not
    #[arg(long)]
    pub simulate: bool,

    /// The directory file is the whole directory: deactivate whoever is active and not in it; `--dry-run` shows who
    #[arg(long)]
    pub whole: bool,

    /// Say what would change, and change nothing; workflows are checked against the directory as it is now
    #[arg(long)]
    pub dry_run: bool,

    /// Import nothing where a file has a key that nothing reads
    #[arg(long)]
    pub strict: bool,
}

/// What to do with absences.
#[derive(Debug, Clone, Subcommand)]
pub enum Absence {
    /// Let somebody stand in for a user who is away
    Set(SetAbsence),
    /// Take an absence back
    Clear {
        /// E-mail address of who is away
        #[arg(long)]
        email: String,
        /// Id of the absence, as `absence list` shows it
        id: String,
    },
    /// List absences of a user that are not over, and those in which they stand in for others
    List {
        /// E-mail address of the user
        #[arg(long)]
        email: String,
    },
}

/// Flags of `absence set`.
#[derive(Debug, Clone, Args)]
pub struct SetAbsence {
    /// E-mail address of who is away
    #[arg(long)]
    pub email: String,
    /// E-mail address of who stands in
    #[arg(long, value_name = "EMAIL")]
    pub delegate: String,
    /// First day, or a time; in the tenant's zone where it says none
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Last day, or a time
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// Only for this workflow; may be repeated, or several parted by commas
    #[arg(long = "workflow", value_name = "ID", value_delimiter = ',')]
    pub workflows: Vec<String>,
    /// Give what they hold to who stands in, too; only once the absence runs
    #[arg(long)]
    pub hand_over: bool,
}

/// What to do with tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum Token {
    /// Make a token and print it; it is shown this once
    Create {
        /// E-mail address of the user
        #[arg(long)]
        email: String,
        /// What the token is for
        #[arg(long, default_value = "")]
        label: String,
        /// Days until it expires; without it, never
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=730))]
        expires: Option<u16>,
    },
    /// List a user's tokens, without their secrets
    List {
        /// E-mail address of the user
        #[arg(long)]
        email: String,
    },
    /// Revoke a token
    Revoke {
        /// E-mail address of the user
        #[arg(long)]
        email: String,
        /// Id of the token: the part between the two full stops
        id: String,
    },
}

/// Flags of `check`.
#[derive(Debug, Clone, Args)]
pub struct Check {
    /// Workflow files; directory files are checked too
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Directory file with the users, departments, roles and applications that the definitions name [default: the
    /// directory among the files, if there is one]
    #[arg(long, value_name = "FILE")]
    pub directory: Option<PathBuf>,

    /// Also prove that each workflow is sound, or tell the shortest story of why not: can every ticket come to its end,
    /// can everything in it happen, does every person find what they need
    #[arg(long)]
    pub simulate: bool,

    /// A key that nothing reads is an error, not a warning
    #[arg(long)]
    pub strict: bool,

    /// Where people reach the server that the definitions are for; without it, links in notices are warned of
    #[arg(long, env = "LOONFLOW_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
}

/// Flags of `schema`.
#[derive(Debug, Clone, Copy, Args)]
pub struct Schema {
    /// What the files hold
    #[arg(value_enum)]
    pub of: Described,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// Definitions of workflows; name the schema in the file's key `$schema`, as `"./workflow.schema.json"`
    Workflow,
    /// Directories: a tenant with its people, departments, roles and applications
    Directory,
}

/// What to do with workflows.
#[derive(Debug, Clone, Subcommand)]
pub enum Workflow {
    /// List the versions of every workflow and what each is for
    List {
        /// Domain of the tenant, where there are several
        #[arg(long, value_name = "DOMAIN")]
        tenant: Option<String>,
    },
    /// Make a version the default, a candidate or archived; the former default becomes a candidate
    State {
        /// The workflow's id
        #[arg(value_name = "ID")]
        workflow_id: String,
        /// Name of the version
        version: String,
        /// `default`: new tickets start on it. `candidate`: they do if they ask for it by name. `archived`: none do
        #[arg(value_parser = ["default", "candidate", "archived"])]
        state: String,
        /// Domain of the tenant, where there are several
        #[arg(long, value_name = "DOMAIN")]
        tenant: Option<String>,
    },
}

/// What to do with tickets.
#[derive(Debug, Clone, Subcommand)]
pub enum Ticket {
    /// Move a running ticket to another version of its workflow
    Migrate {
        /// The ticket's id
        ticket_id: String,
        /// Name of the version to move to
        #[arg(long, value_name = "VERSION")]
        to: String,
        /// E-mail address of the admin who does it
        #[arg(long)]
        email: String,
        /// Where a token on node OLD goes; repeat it for every active node whose id changes
        #[arg(long = "map", value_name = "OLD=NEW", value_parser = node_pair)]
        nodes: Vec<(String, String)>,
    },
}

/// What to do with files.
#[derive(Debug, Clone, Subcommand)]
pub enum File {
    /// Take a file's bytes away for good; its ticket keeps that it was there, without its name
    Erase {
        /// The file's id
        file_id: String,
        /// E-mail address of the tenant's admin who does it
        #[arg(long)]
        email: String,
        /// Why, for the ticket's history
        #[arg(long)]
        reason: String,
    },
}

/// Flags of `export`.
#[derive(Debug, Clone, Args)]
pub struct Export {
    /// File to write, readable by its owner alone; `-` for standard output
    #[arg(default_value = "-", value_name = "FILE")]
    pub file: PathBuf,

    /// Write only what came after an earlier export: the file of that export, or the position that it ended at. With the
    /// file it is checked that this is the same log. All key-value entries are in each increment
    #[arg(long, value_name = "FILE|POSITION")]
    pub since: Option<String>,
}

/// Flags of `restore`.
#[derive(Debug, Clone, Args)]
pub struct Restore {
    /// A whole export, then the increments that follow it in their order; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Flags of `verify`.
#[derive(Debug, Clone, Args)]
pub struct Verify {
    /// Only beside a running server, in its process and with its list; refuse where none runs. Without this flag a
    /// server is asked if one runs, and else the log is opened
    #[arg(long)]
    pub online: bool,
}

fn node_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        Some(_) | None => Err("write it as OLD=NEW, both node ids".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_are_read() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| format!("{:?}", cli.command));
        for line in [
            "x serve --port 0 --allowed-host a,b --allowed-host c --require-auth --data /d",
            "x serve --allow-outbound 10.0.0.0/8,*.example --allow-outbound [fd00::1]:8443",
            "x demo --fresh --transport stdio",
            "x import a.json b.json --tenant example.com --candidate",
            "x token create --email a@b.c --expires 30",
            "x token list --email a@b.c",
            "x token revoke --email a@b.c 123",
            "x absence set --email a@b.c --delegate d@b.c --from 2026-12-21 --to 2027-01-04 --workflow leave,buy --hand-over",
            "x absence clear --email a@b.c 12",
            "x absence list --email a@b.c",
            "x import a.json --whole --dry-run --strict",
            "x check a.json --directory d.json",
            "x check a.json --strict",
            "x schema workflow",
            "x schema directory",
            "x workflow list --tenant example.com",
            "x workflow state leave 1.0 default",
            "x ticket migrate 1 --to 2.0 --email a@b.c --map a=b --map c=d",
            "x file erase 1 --email a@b.c --reason r",
            "x export",
            "x export --since 12 f.jsonl",
            "x restore -",
            "x restore full.jsonl part.jsonl",
            "x verify --data /d",
            "x verify --online",
            "x serve --clock +3d",
            "x demo --clock P3DT2H",
            "x serve --clock -3d",
            "x clock",
            "x clock +2h",
            "x clock -2h",
            "x deliveries",
            "x deliveries --ticket 1 --limit 5",
        ] {
            parse(line).expect(line);
        }
        for line in [
            "x",
            "x import",
            "x check",
            "x token create",
            "x absence set --email a@b.c",
            "x absence clear 12",
            "x schema",
            "x schema ticket",
            "x token create --email a@b.c --expires 731",
            "x file erase 1 --email a@b.c",
            "x ticket migrate 1 --to 2.0 --email a@b.c --map a",
            "x workflow state leave 1.0",
            "x workflow state leave 1.0 gone",
            "x restore",
            "x deliveries --limit 0",
            "x sing",
        ] {
            parse(line).expect_err(line);
        }
    }

    #[test]
    fn the_help_reads_well() {
        insta::assert_snapshot!(Cli::command().render_help());
    }
}
